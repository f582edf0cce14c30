/* rooms: base model config audit */
/* What the audit always judges: numbering, members, stops, holds, consent, gifts, content. Each rule: a log that breaks it by a
 * millisecond, and one that just holds. */
#include "audit_world.h"

#define T "2026-11-24T10:00:00."

static void test_lines(void **state)
{
	static const struct world row[] = {
		{ .name = "a gap", .log = T "000Z daemon_started\n" T "000Z daemon_started seq=11\n", .expected = "seq@2" },
		{ .name = "a double", .log = T "000Z daemon_started seq=8\n" T "000Z daemon_started seq=8", .expected = "seq@2" },
		{ .name = "no gap", .log = T "000Z daemon_started seq=8\n" T "000Z daemon_started seq=9", .expected = "" },
		{ .name = "older files are gone", .bare = true, .log = T "000Z daemon_started seq=50\n" T "000Z daemon_started seq=51", .expected = "" },
		{ .name = "a damaged line has its number", .log = T "000Z daemon_started\n!{\"seq\n" T "000Z daemon_started", .expected = "syntax@2" },
		{ .name = "no object", .log = "![1]\n!\n", .expected = "syntax@1 syntax@2" },
		{ .name = "ts", .log = "2026-11-24 daemon_started\n!{\"seq\":9,\"event\":\"x\"}\n!{\"seq\":10,\"ts\":5,\"event\":\"x\"}", .expected = "member@2 member@3" },
		{ .name = "types", .log = T "000Z sent ann course/one touch=0\n" T "000Z waiting ann until=5", .expected = "member@1 member@2" },
		{ .name = "kind", .log = T "000Z stopped ann course/one kind=spam", .expected = "member@1" },
		{ .name = "needed", .log = T "000Z sent ann course/one\n" T "000Z held ann\n" T "000Z enrolled ann", .expected = "member@1 member@1 member@2 member@3" },
		{ .name = "what is not known is skipped", .log = T "000Z party ann course/one cake=5", .expected = "" },
	};

	(void)state;
	ROWS(row);
}

static void test_once(void **state)
{
	static const struct world row[] = {
		{ .name = "accepted twice", .log = T "000Z sent ann course/one t1\n" T "001Z sent ann course/two t1", .expected = "double@2" },
		{ .name = "unknown, then accepted", .log = T "000Z unknown ann course/one t1\n" T "001Z sent ann course/two t1", .expected = "double@2" },
		{ .name = "unknown twice", .log = T "000Z unknown ann course/one t1\n" T "001Z unknown ann course/two t1", .expected = "double@2" },
		{ .name = "resent", .log = T "000Z unknown ann course/one t1\n" T "001Z resolved ann course/one t1 resolution=resend\n" T "002Z sent ann course/one t1 content=ct1", .expected = "" },
		{ .name = "accepted by an operator, then again", .log = T "000Z unknown ann course/one t1\n" T "001Z resolved ann t1 resolution=accept\n" T "002Z sent ann course/two t1", .expected = "double@3" },
		{ .name = "dropped, then sent", .log = T "000Z unknown ann course/one t1\n" T "001Z resolved ann t1 resolution=drop\n" T "002Z sent ann course/two t1", .expected = "double@3" },
		{ .name = "refused for now, then sent", .log = T "000Z refused ann course/one t1 permanent=false handed_at=" T "000Z\n" T "001Z sent ann course/one t1", .expected = "" },
		{ .name = "resolved, but never unknown", .log = T "000Z sent ann course/one t1\n" T "001Z resolved ann t1 resolution=drop\n" T "001Z resolved ann t9 resolution=drop", .expected = "resolved@2 resolved@3" },
		{ .name = "resolved twice", .log = T "000Z unknown ann course/one t1\n" T "001Z resolved ann t1 resolution=accept\n" T "001Z resolved ann t1 resolution=drop", .expected = "resolved@3" },
		{ .name = "resolution", .log = T "000Z unknown ann course/one t1\n" T "001Z resolved ann t1 resolution=burn", .expected = "member@2" },
		{ .name = "enrolled twice", .log = T "000Z enrolled ann course/", .expected = "enrollment@1" },
		{ .name = "never enrolled", .log = T "000Z sent ann other/x t1\n" T "001Z sent ann other/y t2", .expected = "enrollment@1" },
		{ .name = "enrolled in both", .log = T "000Z enrolled ann other/\n" T "000Z sent ann other/x t1", .expected = "" },
		{ .name = "enrolled before the log began", .bare = true, .log = T "000Z sent ann other/x t1 seq=7", .expected = "" },
	};

	(void)state;
	ROWS(row);
}

/* A line with the cause at 10:00:00.500, and a message whose dot left then, or a millisecond later. */
#define STOP(title, cause, rule)                                                                                       \
	{ .name = title ", just before", .log = T "500Z " cause "\n" T "900Z sent ann course/one t1 handed_at=" T "500Z", .expected = "" }, \
	{ .name = title, .log = T "500Z " cause "\n" T "900Z sent ann course/one t1 handed_at=" T "501Z", .expected = rule "@2" },         \
	{ .name = title ", unknown", .log = T "500Z " cause "\n" T "900Z unknown ann course/one t1 handed_at=" T "501Z", .expected = rule "@2" },  \
	{ .name = title ", refused", .log = T "500Z " cause "\n" T "900Z refused ann course/one t1 permanent=false handed_at=" T "501Z", .expected = rule "@2" }

#define ONLY "{ name = \"one\"; template = \"a.md\"; }"

static void test_stops(void **state)
{
	static const struct world row[] = {
		STOP("reply", "replied ann", "after_reply"),
		STOP("unsubscribed", "unsubscribed ann via=mail", "after_unsubscribe"),
		STOP("complained", "complained ann", "after_complaint"),
		STOP("suppressed", "suppressed ann reason=manual", "suppressed"),
		STOP("hard bounce", "suppressed ann reason=hard_bounce", "after_hard_bounce"),
		STOP("bounced", "bounced ann status=5.1.1 permanent=true", "after_hard_bounce"),
		STOP("bounced, without a code", "bounced ann status= permanent=true", "after_hard_bounce"),
		STOP("domain", "suppressed @acme.example reason=manual", "suppressed"),
		STOP("forgotten", "forgotten ann", "forgotten"),
		STOP("stopped", "stopped ann course/one reason=manual", "after_stop"),
		{ .name = "completed, just before", .steps = ONLY, .log = T "500Z skipped ann course/one reason=step_removed\n" T "500Z completed ann course/one\n" T "900Z sent ann course/one t1 handed_at=" T "500Z", .expected = "order@3" },
		{ .name = "completed", .steps = ONLY, .log = T "500Z skipped ann course/one reason=step_removed\n" T "500Z completed ann course/one\n" T "900Z sent ann course/one t1 handed_at=" T "501Z", .expected = "after_completion@3 order@3" },
		STOP("refused for good", "refused ann course/one t9 permanent=true", "after_refusal"),
		STOP("held", "held ann until=2026-12-01T00:00:00Z reason=x", "contact_hold"),
		STOP("account held", "replied ben", "account_hold"),
		STOP("paused", "paused", "paused"),
		STOP("sequence paused", "paused course/", "paused"),
		{ .name = "cause before consequence tells once", .log = T "000Z unsubscribed ann via=mail\n" T "000Z suppressed ann reason=unsubscribed\n" T "000Z stopped ann course/one reason=unsubscribed\n" T "001Z sent ann course/one t1", .expected = "after_unsubscribe@4" },
		{ .name = "5.7.1 says nothing of the address", .log = T "000Z enrolled ann other/\n" T "000Z refused ann course/one t1 permanent=true status=5.7.1\n" T "001Z sent ann other/x t2", .expected = "" },
		{ .name = "refused at RCPT: everywhere", .log = T "000Z enrolled ann other/\n" T "000Z refused ann course/one t1 permanent=true status=5.1.1\n" T "001Z sent ann other/x t2", .expected = "after_hard_bounce@3" },
		{ .name = "refused behind the dot: this enrollment", .log = T "000Z enrolled ann other/\n" T "000Z refused ann course/one t1 permanent=true status=5.1.1 handed_at=" T "000Z\n" T "001Z sent ann other/x t2", .expected = "" },
		{ .name = "for now", .log = T "000Z bounced ann status=5.1.1 permanent=false\n" T "001Z sent ann course/one t1", .expected = "" },
		{ .name = "of somebody else", .log = T "000Z unsubscribed ben via=mail\n" T "000Z suppressed @else.example reason=manual\n" T "000Z paused other/\n" T "001Z sent ann course/one t1", .expected = "" },
		{ .name = "told late", .log = T "000Z paused\n" T "500Z resumed\n" T "600Z sent ann course/one t1 handed_at=" T "499Z", .expected = "paused@3" },
		{ .name = "resumed", .log = T "000Z paused\n" T "500Z resumed\n" T "600Z sent ann course/one t1 handed_at=" T "500Z", .expected = "" },
		{ .name = "a pause of all is not lifted by a sequence's", .log = T "000Z paused\n" T "100Z resumed course/\n" T "600Z sent ann course/one t1", .expected = "paused@3" },
		{ .name = "unsuppressed", .log = T "000Z suppressed ann reason=unsubscribed\n" T "500Z unsuppressed ann reason=x was=unsubscribed\n" T "600Z sent ann course/one t1 handed_at=" T "500Z", .expected = "" },
		{ .name = "unsuppressed, the domain not", .log = T "000Z suppressed ann reason=manual\n" T "000Z suppressed @acme.example reason=manual\n" T "500Z unsuppressed ann reason=x\n" T "600Z sent ann course/one t1", .expected = "suppressed@4" },
		{ .name = "unsuppressed and suppressed again", .log = T "000Z suppressed ann reason=manual\n" T "100Z unsuppressed ann reason=x\n" T "200Z suppressed ann reason=manual\n" T "201Z sent ann course/one t1", .expected = "suppressed@4" },
		{ .name = "a hold's end", .log = T "000Z held ann until=" T "500Z reason=x\n" T "900Z sent ann course/one t1 handed_at=" T "500Z", .expected = "" },
		{ .name = "before a hold's end", .log = T "000Z held ann until=" T "500Z reason=x\n" T "900Z sent ann course/one t1 handed_at=" T "499Z", .expected = "contact_hold@2" },
		{ .name = "a hold that is lifted", .log = T "000Z held ann until=2027-01-01T00:00:00Z reason=x\n" T "100Z held ann until=2026-01-01T00:00:00Z reason=x\n" T "101Z sent ann course/one t1", .expected = "" },
		{ .name = "the account's hold ends", .log = T "000Z replied ben\n2026-12-08T10:00:00.000Z sent ann course/one t1", .expected = "" },
		{ .name = "before the account's hold ends", .log = T "000Z replied ben\n2026-12-08T09:59:59.999Z sent ann course/one t1", .expected = "account_hold@2" },
		{ .name = "the account's hold, as told", .log = T "000Z held account=acme until=2026-11-25T10:00:00.000Z reason=replied\n2026-11-25T09:59:59.999Z sent ann course/one t1\n2026-11-25T10:00:00.000Z sent ben course/one t2", .expected = "account_hold@2" },
		{ .name = "the account's hold is lifted", .log = T "000Z replied ben\n" T "000Z held account=acme until=2026-12-25T10:00:00.000Z reason=replied\n" T "500Z held account=acme until=" T "500Z reason=x\n" T "900Z sent ann course/one t1 handed_at=" T "500Z", .expected = "" },
		{ .name = "another account", .log = T "000Z replied ben\n" T "001Z sent cem course/one t1", .expected = "" },
		{ .name = "enrolled after the reply", .log = T "000Z replied ann\n" T "001Z enrolled ann other/\n" T "002Z sent ann other/x t1", .expected = "" },
		{ .name = "a reply ends all sequences", .log = T "000Z enrolled ann other/\n" T "001Z replied ann\n" T "002Z sent ann other/x t1", .expected = "after_reply@3" },
		{ .name = "a reply before the log's enrollment", .bare = true, .log = T "000Z replied ann seq=5\n" T "001Z sent ann course/one t1", .expected = "after_reply@2" },
		{ .name = "resend begins it again", .steps = "{ name = \"four\"; template = \"d.md\"; }", .log = T "000Z unknown ann course/four t1\n" T "000Z completed ann course/four\n" T "100Z resolved ann t1 resolution=resend\n" T "200Z sent ann course/four t1", .expected = "" },
		{ .name = "a forgotten person's lines", .bare = true, .log = T "000Z contact_imported hash:0a consent=opt_in seq=1\n" T "000Z enrolled hash:0a course/\n" T "000Z forgotten hash:0a\n" T "001Z sent hash:0a course/one t1", .expected = "forgotten@4" },
	};

	(void)state;
	ROWS(row);
}

#define IMPORT(ts, more) ts " contact_imported dee@d.example " more "\n" ts " enrolled dee@d.example course/\n"

static void test_consent(void **state)
{
	static const struct world row[] = {
		{ .name = "none", .log = IMPORT(T "000Z", "") T "001Z sent dee@d.example course/one t1", .expected = "consent@3" },
		{ .name = "another basis", .log = IMPORT(T "000Z", "consent=bought") T "001Z sent dee@d.example course/one t1", .expected = "consent@3" },
		{ .name = "a listed one", .more = "consent = { accept = [\"bought\"]; };", .log = IMPORT(T "000Z", "consent=bought") T "001Z sent dee@d.example course/one t1", .expected = "" },
		{ .name = "never imported", .log = T "000Z enrolled dee@d.example course/\n" T "001Z sent dee@d.example course/one t1", .expected = "consent@2" },
		{ .name = "imported before the log began", .bare = true, .log = T "001Z sent dee@d.example course/one t1 seq=9", .expected = "" },
		{ .name = "too old", .more = "consent = { max_age = \"30d\"; };", .log = IMPORT(T "000Z", "consent=opt_in consent_at=2026-10-25T10:00:00.001Z") T "001Z sent dee@d.example course/one t1", .expected = "consent@3" },
		{ .name = "just young enough", .more = "consent = { max_age = \"30d\"; };", .log = IMPORT(T "000Z", "consent=opt_in consent_at=2026-10-25T10:00:00.002Z") T "001Z sent dee@d.example course/one t1", .expected = "" },
		{ .name = "without a date: the first import", .more = "consent = { max_age = \"1s\"; };", .log = IMPORT(T "000Z", "consent=opt_in") T "500Z contact_imported dee@d.example consent=opt_in timezone=UTC\n2026-11-24T10:00:00.999Z sent dee@d.example course/one t1\n2026-11-24T10:00:01.000Z sent dee@d.example course/two t2", .expected = "consent@5" },
		{ .name = "a forgotten person's basis that was no word", .bare = true, .more = "consent = { accept = [\"opt-in\"]; };", .log = T "000Z contact_imported hash:0a seq=1\n" T "000Z enrolled hash:0a course/\n" T "001Z sent hash:0a course/one t1", .expected = "" },
		{ .name = "a forgotten person's basis that is not listed", .bare = true, .more = "consent = { accept = [\"opt-in\"]; };", .log = T "000Z contact_imported hash:0a consent=bought seq=1\n" T "000Z enrolled hash:0a course/\n" T "001Z sent hash:0a course/one t1", .expected = "consent@3" },
		{ .name = "without a date, and the first import may be older", .bare = true, .more = "consent = { max_age = \"1s\"; };", .log = T "000Z contact_imported dee@d.example consent=opt_in seq=5\n2026-11-25T00:00:00Z sent dee@d.example course/one t1", .expected = "" },
		{ .name = "taken back", .log = IMPORT(T "000Z", "consent=opt_in") T "500Z contact_imported dee@d.example\n" T "900Z sent dee@d.example course/one t1 handed_at=" T "500Z", .expected = "consent@4" },
		{ .name = "taken back behind the dot", .log = IMPORT(T "000Z", "consent=opt_in") T "500Z contact_imported dee@d.example\n" T "900Z sent dee@d.example course/one t1 handed_at=" T "499Z", .expected = "" },
	};

	(void)state;
	ROWS(row);
}

#define GIFT(n, s) T #n "Z sent ann " s " t" #n "\n"

static void test_gifts(void **state)
{
	static const struct world row[] = {
		{ .name = "two of two", .cadence = "gifts_per_ask = 2;", .log = GIFT(101, "course/one") GIFT(102, "course/two") T "103Z sent ann course/three t3 ask", .expected = "" },
		{ .name = "one of two", .cadence = "gifts_per_ask = 2;", .log = GIFT(101, "course/one") T "103Z sent ann course/two t3 ask", .expected = "gifts@2" },
		{ .name = "an unknown is no gift", .cadence = "gifts_per_ask = 1;", .log = T "001Z unknown ann course/one t1\n" T "103Z sent ann course/two t3 ask", .expected = "gifts@2" },
		{ .name = "unless it was accepted", .cadence = "gifts_per_ask = 1;", .log = T "001Z unknown ann course/one t1\n" T "050Z resolved ann t1 resolution=accept\n" T "103Z sent ann course/two t3 ask", .expected = "" },
		{ .name = "accepted behind the dot", .cadence = "gifts_per_ask = 1;", .log = T "001Z unknown ann course/one t1\n" T "050Z resolved ann t1 resolution=accept\n" T "103Z sent ann course/two t3 ask handed_at=" T "049Z", .expected = "gifts@3" },
		{ .name = "since the last ask", .cadence = "gifts_per_ask = 1;", .log = GIFT(101, "course/one") T "103Z sent ann course/two t3 ask\n" T "104Z sent ann course/three t4 ask", .expected = "gifts@3" },
		{ .name = "an unknown ask is one", .cadence = "gifts_per_ask = 1;", .log = GIFT(101, "course/one") T "103Z unknown ann course/two t3 ask\n" T "104Z sent ann course/three t4 ask", .expected = "gifts@3" },
		{ .name = "an ask that was dropped is none", .cadence = "gifts_per_ask = 1;", .log = GIFT(101, "course/one") T "103Z unknown ann course/two t3 ask\n" T "104Z resolved ann t3 resolution=drop\n" T "105Z sent ann course/three t4 ask", .expected = "" },
		{ .name = "of any sequence", .cadence = "gifts_per_ask = 1;", .log = T "000Z enrolled ann other/\n" GIFT(101, "other/x") T "103Z sent ann course/one t3 ask", .expected = "" },
		{ .name = "of the contact itself", .cadence = "gifts_per_ask = 1;", .log = T "000Z sent ben course/one t9\n" T "103Z sent ann course/one t3 ask", .expected = "gifts@2" },
		{ .name = "a sequence may ask for more", .cadence = "gifts_per_ask = 1;", .sequence = "cadence = { gifts_per_ask = 2; };", .log = GIFT(101, "course/one") T "103Z sent ann course/two t3 ask", .expected = "gifts@2" },
		{ .name = "what stands in older files", .cadence = "gifts_per_ask = 1;", .bare = true, .log = T "001Z sent ann course/one t1 ask seq=9\n" T "002Z sent ann course/two t2 ask", .expected = "gifts@2" },
	};

	(void)state;
	ROWS(row);
}

static void test_content(void **state)
{
	static const struct world row[] = {
		{ .name = "twice", .log = T "000Z enrolled ann other/\n" T "001Z sent ann course/one t1 content=a\n" T "002Z sent ann other/x t2 content=a", .expected = "content@3" },
		{ .name = "an unknown one counts", .log = T "001Z unknown ann course/one t1 content=a\n" T "002Z sent ann course/two t2 content=a", .expected = "content@2" },
		{ .name = "a dropped one does not", .log = T "001Z unknown ann course/one t1 content=a\n" T "001Z resolved ann t1 resolution=drop\n" T "002Z sent ann course/two t2 content=a", .expected = "" },
		{ .name = "dropped too late", .log = T "001Z unknown ann course/one t1 content=a\n" T "002Z sent ann course/two t2 content=a\n" T "003Z resolved ann t1 resolution=drop", .expected = "content@2" },
		{ .name = "to two people", .log = T "001Z sent ann course/one t1 content=a\n" T "002Z sent ben course/one t2 content=a", .expected = "" },
		{ .name = "to two people, and one of them again", .log = T "001Z sent ann course/one t1 content=a\n" T "002Z sent ben course/one t2 content=a\n" T "003Z sent ann course/two t3 content=a", .expected = "content@3" },
		{ .name = "thrice", .log = T "001Z sent ann course/one t1 content=a\n" T "002Z sent ann course/two t2 content=b\n" T "003Z sent ann course/three t3 content=a\n" T "004Z sent ann course/four t4 content=a", .expected = "content@3 content@4" },
	};

	(void)state;
	ROWS(row);
}

/* Every rule has a name, no two the same, and stands in the manual page. */
static void test_names(void **state)
{
	struct buf page = { 0 };
	int n = 0;

	(void)state;
	assert_int_equal(buf_read_file(&page, TEST_DATA "/../../src/ctl/abvctl.1", (size_t)1 << 20), 0);
	for (; audit_rule_at(n); n++) {
		char *first = mem_printf("\n.It %s", audit_rule_at(n)), *later = mem_printf(" , %s", audit_rule_at(n));

		for (int k = 0; k < n; k++)
			assert_string_not_equal(audit_rule_at(n), audit_rule_at(k));
		if (!strstr(page.data, first) && !strstr(page.data, later))
			fail_msg("abvctl.1 does not describe the rule %s", audit_rule_at(n));
		free(first);
		free(later);
	}
	buf_free(&page);
	assert_true(n > 30);
	assert_null(audit_rule_at(-1));
}

static void test_sum(void **state)
{
	static const struct world row = { .name = "sum",
					  .log = T "001Z sent ann course/one t1\n" T "002Z sent ben course/one t2\n" T "003Z unknown cem course/one t3\n" T
						   "004Z resolved cem t3 resolution=drop\n" T "005Z config_loaded policy=x\n" T
						   "006Z sent cem course/two t4\n",
					  .expected = "" };
	struct audit_sum sum;

	(void)state;
	assert_true(world_holds(&row, &sum));
	assert_int_equal(sum.lines, 13);
	assert_int_equal(sum.touches, 3);
	assert_int_equal(sum.contacts, 3);
	assert_int_equal(sum.accounts, 2);
	assert_int_equal(sum.unjudged, 1);
	assert_int_equal(sum.first_seq, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_once),    cmocka_unit_test(test_stops),
		cmocka_unit_test(test_consent), cmocka_unit_test(test_gifts), cmocka_unit_test(test_content),
		cmocka_unit_test(test_names), cmocka_unit_test(test_sum),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
