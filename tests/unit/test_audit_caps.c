/* rooms: base model config audit */
/* What the audit judges by the policy: caps in every window, gaps, back-off, warm-up, the order and times of steps, windows. Each rule:
 * a log that breaks it by a millisecond, and one that just holds. */
#include "audit_world.h"

#define T       "2026-11-24T10:00:00."
#define LIMITS(l) "contact = { min_gap = \"0s\"; limits = [" l "]; };"
#define GAP(g)    "contact = { min_gap = \"" g "\"; limits = [\"1000 per 1s\"]; };"
#define OTHER(who) T "000Z enrolled " who " other/\n"

static void test_limits(void **state)
{
	static const struct world row[] = {
		{ .name = "1 per 7d, just", .cadence = LIMITS("\"1 per 7d\""), .log = "2026-11-02T10:00:00.000Z sent ann course/one t1\n2026-11-09T10:00:00.000Z sent ann course/two t2", .expected = "" },
		{ .name = "1 per 7d, 1 ms", .cadence = LIMITS("\"1 per 7d\""), .log = "2026-11-02T10:00:00.001Z sent ann course/one t1\n2026-11-09T10:00:00.000Z sent ann course/two t2", .expected = "contact_limit@2" },
		{ .name = "by acceptance, not by the dot", .cadence = LIMITS("\"1 per 7d\""), .log = "2026-11-02T10:00:00.000Z sent ann course/one t1\n2026-11-09T10:00:00.000Z sent ann course/two t2 handed_at=2026-11-09T09:00:00Z", .expected = "" },
		{ .name = "2 per 7d over sequences", .cadence = LIMITS("\"2 per 7d\""), .log = "2026-11-02T10:00:00.001Z sent ann course/one t1\n2026-11-02T10:00:00.001Z enrolled ann other/\n2026-11-04T10:00:00.000Z sent ann other/x t2\n2026-11-09T10:00:00.000Z sent ann course/two t3", .expected = "contact_limit@4" },
		{ .name = "unknown counts, whatever its line", .cadence = LIMITS("\"1 per 7d\""), .log = "2026-11-02T10:00:00.000Z enrolled ann other/\n2026-11-09T10:00:00.000Z sent ann course/one t1\n2026-11-02T10:00:00.001Z unknown ann other/x t2", .expected = "contact_limit@2" },
		{ .name = "refused does not", .cadence = LIMITS("\"1 per 7d\""), .log = T "000Z refused ann course/one t1 permanent=false handed_at=" T "000Z\n" T "001Z sent ann course/one t1", .expected = "" },
		{ .name = "resent: it counted until then", .cadence = LIMITS("\"1 per 7d\""), .log = T "000Z unknown ann course/one t1\n" T "001Z sent ann course/two t2\n" T "002Z resolved ann course/one t1 resolution=drop", .expected = "contact_limit@2" },
		{ .name = "resent: no longer", .cadence = LIMITS("\"1 per 7d\""), .log = T "000Z unknown ann course/one t1\n" T "001Z resolved ann course/one t1 resolution=drop\n" T "002Z sent ann course/two t2", .expected = "" },
		{ .name = "resent: it counted, though behind the dot", .cadence = LIMITS("\"1 per 7d\""), .log = T "500Z unknown ann course/one t1\n" T "900Z sent ann course/two t2 handed_at=" T "500Z\n" T "901Z resolved ann course/one t1 resolution=drop", .expected = "contact_limit@2" },
		{ .name = "resent: another's dot was earlier", .cadence = LIMITS("\"1 per 7d\""), .log = OTHER("ann") T "500Z unknown ann course/one t1\n" T "900Z sent ann other/x t2 handed_at=" T "400Z\n" T "901Z resolved ann course/one t1 resolution=drop", .expected = "contact_limit@3" },
		{ .name = "accepted by hand: at the dot's time", .cadence = LIMITS("\"1 per 7d\""), .log = "2026-11-02T10:00:00.000Z unknown ann course/one t1\n2026-11-08T10:00:00.000Z resolved ann t1 resolution=accept\n2026-11-09T10:00:00.000Z sent ann course/two t2", .expected = "" },
		{ .name = "one month's limit among several", .cadence = LIMITS("\"1 per 1s\", \"3 per 30d\""), .log = "2026-11-01T10:00:00.001Z sent ann course/one t1\n2026-11-02T10:00:00.000Z sent ann course/two t2\n2026-11-03T10:00:00.000Z sent ann course/three t3\n2026-12-01T10:00:00.000Z sent ann course/four t4", .expected = "contact_limit@4" },
		{ .name = "a month's limit holds", .cadence = LIMITS("\"1 per 1s\", \"3 per 30d\""), .log = "2026-11-01T10:00:00.000Z sent ann course/one t1\n2026-11-02T10:00:00.000Z sent ann course/two t2\n2026-11-03T10:00:00.000Z sent ann course/three t3\n2026-12-01T10:00:00.000Z sent ann course/four t4", .expected = "" },
		{ .name = "a sequence's own", .sequence = "cadence = { contact = { limits = [\"1 per 10d\"]; }; };", .log = "2026-11-02T10:00:00.001Z enrolled ann other/\n2026-11-02T10:00:00.001Z sent ann other/x t1\n2026-11-12T10:00:00.000Z sent ann course/one t2\n2026-11-12T10:00:00.001Z sent ann other/y t3", .expected = "contact_limit@3" },
		{ .name = "a sequence's own holds", .sequence = "cadence = { contact = { limits = [\"1 per 10d\"]; }; };", .log = "2026-11-02T10:00:00.000Z enrolled ann other/\n2026-11-02T10:00:00.000Z sent ann other/x t1\n2026-11-12T10:00:00.000Z sent ann course/one t2\n2026-11-12T10:00:00.001Z sent ann other/y t3", .expected = "" },
		{ .name = "a sequence's own: another one was decided behind it", .sequence = "cadence = { contact = { limits = [\"1 per 10d\"]; }; };", .log = OTHER("ann") T "500Z sent ann other/x t1 handed_at=" T "480Z\n" T "900Z sent ann course/one t2 handed_at=" T "499Z", .expected = "" },
		{ .name = "account", .cadence = "account = { limits = [\"2 per 1h\"]; };", .log = "2026-11-02T10:00:00.001Z sent ann course/one t1\n2026-11-02T10:30:00.000Z sent ben course/one t2\n2026-11-02T10:30:00.000Z sent cem course/one t3\n2026-11-02T11:00:00.000Z sent ann course/two t4", .expected = "account_limit@4" },
		{ .name = "account holds", .cadence = "account = { limits = [\"2 per 1h\"]; };", .log = "2026-11-02T10:00:00.000Z sent ann course/one t1\n2026-11-02T10:30:00.000Z sent ben course/one t2\n2026-11-02T11:00:00.000Z sent ann course/two t4", .expected = "" },
		{ .name = "provider", .cadence = "provider = { limits = [\"1 per 1h\"]; };", .log = T "000Z sent ann course/one t1\n2026-11-24T10:59:59.999Z sent ben course/one t2\n2026-11-24T10:59:59.999Z sent cem course/one t3", .expected = "provider_limit@2" },
		{ .name = "provider holds", .cadence = "provider = { limits = [\"1 per 1h\"]; };", .log = T "000Z sent ann course/one t1\n2026-11-24T11:00:00.000Z sent ben course/one t2", .expected = "" },
		{ .name = "sender", .cadence = "sender = { limits = [\"2 per 1m\"]; };", .log = T "001Z sent ann course/one t1\n" T "002Z sent ben course/one t2\n2026-11-24T10:01:00.000Z sent cem course/one t3", .expected = "sender_limit@3" },
		{ .name = "sender holds", .cadence = "sender = { limits = [\"2 per 1m\"]; };", .log = T "000Z sent ann course/one t1\n" T "002Z sent ben course/one t2\n2026-11-24T10:01:00.000Z sent cem course/one t3", .expected = "" },
		{ .name = "rate", .rate = "rate = \"1 per 1s\";", .log = T "001Z sent ann course/one t1\n2026-11-24T10:00:01.000Z sent cem course/one t3", .expected = "rate@2" },
		{ .name = "rate holds", .rate = "rate = \"1 per 1s\";", .log = T "000Z sent ann course/one t1\n2026-11-24T10:00:01.000Z sent cem course/one t3", .expected = "" },
	};

	(void)state;
	ROWS(row);
}

static void test_policy_in_force(void **state)
{
	static const struct world row[] = {
		{ .name = "another policy's touches count, and are not judged", .bare = true, .cadence = LIMITS("\"1 per 7d\""), .log = T "000Z config_loaded policy=other seq=20\n" T "001Z sent ann course/one t1\n" T "002Z sent ann course/two t2", .expected = "" },
		{ .name = "no longer in force", .cadence = LIMITS("\"1 per 7d\""), .log = T "000Z config_loaded policy=other\n" T "001Z sent ann course/one t1\n" T "002Z sent ann course/two t2", .expected = "" },
		{ .name = "before the log's first", .bare = true, .cadence = LIMITS("\"1 per 7d\""), .log = T "001Z sent ann course/one t1 seq=20\n" T "002Z sent ann course/two t2", .expected = "" },
		{ .name = "told behind a reload, handed over before it", .cadence = LIMITS("\"1 per 7d\""), .log = T "001Z sent ann course/one t1\n" T "500Z config_loaded policy=other\n" T "501Z sent ann course/two t2 handed_at=" T "499Z", .expected = "contact_limit@3" },
		{ .name = "the others are always judged", .cadence = "gifts_per_ask = 1;", .log = T "000Z config_loaded policy=other\n" T "001Z sent ann course/one t1 ask content=a\n" T "002Z sent ann course/two t2 content=a", .expected = "gifts@2 content@3" },
	};

	(void)state;
	ROWS(row);
}

static void test_gaps(void **state)
{
	static const struct world row[] = {
		{ .name = "36h", .cadence = GAP("36h"), .log = "2026-11-02T10:00:00.001Z sent ann course/one t1\n2026-11-03T22:00:00.000Z sent ann course/two t2", .expected = "contact_min_gap@2" },
		{ .name = "36h holds", .cadence = GAP("36h"), .log = "2026-11-02T10:00:00.000Z sent ann course/one t1\n2026-11-03T22:00:00.000Z sent ann course/two t2", .expected = "" },
		{ .name = "36h by acceptance", .cadence = GAP("36h"), .log = "2026-11-02T10:00:00.000Z sent ann course/one t1\n2026-11-03T22:00:00.000Z sent ann course/two t2 handed_at=2026-11-03T21:59:00.000Z", .expected = "" },
		{ .name = "1bd over a weekend", .cadence = GAP("1bd") "window = { days = \"mon-fri\"; hours = \"00:00-24:00\"; };", .log = "2026-11-20T10:00:00.001Z sent ann course/one t1\n2026-11-23T10:00:00.000Z sent ann course/two t2", .expected = "contact_min_gap@2" },
		{ .name = "1bd over a weekend holds", .cadence = GAP("1bd") "window = { days = \"mon-fri\"; hours = \"00:00-24:00\"; };", .log = "2026-11-20T10:00:00.000Z sent ann course/one t1\n2026-11-23T10:00:00.000Z sent ann course/two t2", .expected = "" },
		/* Paris: Friday 09:00 summer time is 07:00Z, Monday 09:00 winter time is 08:00Z */
		{ .name = "1bd over DST", .cadence = GAP("1bd") "window = { days = \"mon-fri\"; hours = \"00:00-24:00\"; default_timezone = \"Europe/Paris\"; };", .log = "2026-10-23T07:00:00.000Z sent ann course/one t1\n2026-10-26T07:59:59.999Z sent ann course/two t2", .expected = "contact_min_gap@2" },
		{ .name = "1bd over DST holds", .cadence = GAP("1bd") "window = { days = \"mon-fri\"; hours = \"00:00-24:00\"; default_timezone = \"Europe/Paris\"; };", .log = "2026-10-23T07:00:00.000Z sent ann course/one t1\n2026-10-26T08:00:00.000Z sent ann course/two t2", .expected = "" },
		{ .name = "account", .cadence = "account = { min_gap = \"1h\"; limits = [\"1000 per 1s\"]; };", .log = T "000Z sent ann course/one t1\n2026-11-24T10:59:59.999Z sent ben course/one t2", .expected = "account_min_gap@2" },
		{ .name = "account holds", .cadence = "account = { min_gap = \"1h\"; limits = [\"1000 per 1s\"]; };", .log = T "000Z sent ann course/one t1\n2026-11-24T11:00:00.000Z sent ben course/one t2", .expected = "" },
		{ .name = "back-off: 10h, then 20h", .cadence = GAP("10h") "backoff = { factor = 2; max_gap = \"30d\"; };", .log = "2026-11-02T00:00:00.000Z sent ann course/one t1\n2026-11-02T10:00:00.000Z sent ann course/two t2\n2026-11-03T05:59:59.999Z sent ann course/three t3", .expected = "backoff@3" },
		{ .name = "back-off holds", .cadence = GAP("10h") "backoff = { factor = 2; max_gap = \"30d\"; };", .log = "2026-11-02T00:00:00.000Z sent ann course/one t1\n2026-11-02T10:00:00.000Z sent ann course/two t2\n2026-11-03T06:00:00.000Z sent ann course/three t3", .expected = "" },
		{ .name = "at most max_gap", .cadence = GAP("10h") "backoff = { factor = 2; max_gap = \"15h\"; };", .log = "2026-11-02T00:00:00.000Z sent ann course/one t1\n2026-11-02T10:00:00.000Z sent ann course/two t2\n2026-11-03T01:00:00.000Z sent ann course/three t3", .expected = "" },
		{ .name = "less than max_gap", .cadence = GAP("10h") "backoff = { factor = 2; max_gap = \"15h\"; };", .log = "2026-11-02T00:00:00.000Z sent ann course/one t1\n2026-11-02T10:00:00.000Z sent ann course/two t2\n2026-11-03T00:59:59.999Z sent ann course/three t3", .expected = "backoff@3" },
		{ .name = "a reply begins it anew", .cadence = GAP("10h") "backoff = { factor = 2; max_gap = \"30d\"; };", .log = "2026-11-02T00:00:00.000Z sent ann course/one t1\n2026-11-02T10:00:00.000Z sent ann course/two t2\n2026-11-02T10:00:00.001Z replied ann\n2026-11-02T10:00:00.001Z enrolled ann other/\n2026-11-02T20:00:00.000Z sent ann other/x t3", .expected = "" },
		/* 2bd x 1.1 = 2.2, rounded up to 3 */
		{ .name = "business days are whole", .cadence = GAP("2bd") "backoff = { factor = 1.1; max_gap = \"30d\"; };", .log = "2026-11-02T00:00:00.000Z sent ann course/one t1\n2026-11-04T00:00:00.000Z sent ann course/two t2\n2026-11-06T23:59:59.999Z sent ann course/three t3", .expected = "backoff@3" },
		{ .name = "business days are whole and hold", .cadence = GAP("2bd") "backoff = { factor = 1.1; max_gap = \"30d\"; };", .log = "2026-11-02T00:00:00.000Z sent ann course/one t1\n2026-11-04T00:00:00.000Z sent ann course/two t2\n2026-11-07T00:00:00.000Z sent ann course/three t3", .expected = "" },
	};

	(void)state;
	ROWS(row);
}

static void test_sunset(void **state)
{
	static const struct world row[] = {
		{ .name = "touches", .cadence = "sunset = { touches = 2; silence = \"0d\"; };", .log = T "001Z sent ann course/one t1\n" T "002Z sent ann course/two t2\n" T "003Z sent ann course/three t3", .expected = "sunset@3" },
		{ .name = "touches hold", .cadence = "sunset = { touches = 2; silence = \"0d\"; };", .log = T "001Z sent ann course/one t1\n" T "002Z sent ann course/two t2", .expected = "" },
		{ .name = "touches since a reply", .cadence = "sunset = { touches = 2; silence = \"0d\"; };", .log = T "001Z sent ann course/one t1\n" T "002Z sent ann course/two t2\n" T "003Z replied ann\n" T "003Z enrolled ann other/\n" T "004Z sent ann other/x t3", .expected = "" },
		{ .name = "silence", .cadence = "sunset = { touches = 0; silence = \"10d\"; };", .log = "2026-11-02T00:00:00.000Z sent ann course/one t1\n2026-11-12T00:00:00.000Z sent ann course/two t2", .expected = "sunset@2" },
		{ .name = "silence holds", .cadence = "sunset = { touches = 0; silence = \"10d\"; };", .log = "2026-11-02T00:00:00.000Z sent ann course/one t1\n2026-11-11T23:59:59.999Z sent ann course/two t2", .expected = "" },
	};

	(void)state;
	ROWS(row);
}

#define WARMUP "warmup = { start = 1; growth = 2; target = 3; };"
#define AT(day, n, who, step) "2026-11-" day "T0" #n ":00:00.000Z sent " who " " step " t1" day #n "\n"

static void test_warmup(void **state)
{
	static const struct world row[] = {
		{ .name = "1, 2, 3", .warmup = WARMUP, .log = AT("03", 1, "ann", "course/one") AT("05", 1, "ann", "course/two") AT("05", 2, "ben", "course/one") AT("06", 1, "ann", "course/three") AT("06", 2, "ben", "course/two") AT("06", 3, "cem", "course/one"), .expected = "" },
		{ .name = "2 on the first day", .warmup = WARMUP, .log = AT("03", 1, "ann", "course/one") AT("03", 2, "ben", "course/one"), .expected = "warmup@2" },
		{ .name = "3 on the second", .warmup = WARMUP, .log = AT("03", 1, "ann", "course/one") AT("04", 1, "ann", "course/two") AT("04", 2, "ben", "course/one") AT("04", 3, "cem", "course/one"), .expected = "warmup@4" },
		{ .name = "a day ends at midnight UTC", .warmup = WARMUP, .log = "2026-11-03T23:59:59.999Z sent ann course/one t1\n2026-11-04T00:00:00.000Z sent ben course/one t2", .expected = "" },
		{ .name = "the same day", .warmup = WARMUP, .log = "2026-11-03T00:00:00.000Z sent ann course/one t1\n2026-11-03T23:59:59.999Z sent ben course/one t2", .expected = "warmup@2" },
	};

	(void)state;
	ROWS(row);
}

#define STEPS(second) "{ name = \"one\"; template = \"a.md\"; after = \"1d\"; }, { name = \"two\"; template = \"b.md\"; " second " }"
#define FIRST "2026-11-02T10:00:00.000Z sent ann course/one t1\n"

static void test_steps(void **state)
{
	static const struct world row[] = {
		{ .name = "after", .steps = STEPS("after = \"36h\";"), .log = FIRST "2026-11-03T21:59:59.999Z sent ann course/two t2", .expected = "after@2" },
		{ .name = "after holds", .steps = STEPS("after = \"36h\";"), .log = FIRST "2026-11-03T22:00:00.000Z sent ann course/two t2", .expected = "" },
		{ .name = "after is judged at the dot", .steps = STEPS("after = \"36h\";"), .log = FIRST "2026-11-03T23:00:00.000Z sent ann course/two t2 handed_at=2026-11-03T21:59:59.999Z", .expected = "after@2" },
		{ .name = "from the enrollment", .steps = STEPS(""), .log = "2026-11-02T10:00:00.000Z enrolled dee@d.example course/\n2026-11-02T10:00:00.000Z contact_imported dee@d.example consent=opt_in\n2026-11-03T09:59:59.999Z sent dee@d.example course/one t2", .expected = "after@3" },
		{ .name = "from the enrollment holds", .steps = STEPS(""), .log = "2026-11-02T10:00:00.000Z enrolled dee@d.example course/\n2026-11-02T10:00:00.000Z contact_imported dee@d.example consent=opt_in\n2026-11-03T10:00:00.000Z sent dee@d.example course/one t2", .expected = "" },
		{ .name = "business days", .cadence = "window = { days = \"mon-fri\"; hours = \"00:00-24:00\"; };", .steps = STEPS("after = \"5bd\";"), .log = FIRST "2026-11-09T09:59:59.999Z sent ann course/two t2", .expected = "after@2" },
		{ .name = "a refused one is no touch", .steps = STEPS("after = \"1d\";"), .log = "2026-11-02T10:00:00.000Z refused ann course/one t1 permanent=false handed_at=2026-11-02T10:00:00.000Z\n2026-11-02T10:05:00.000Z sent ann course/one t1", .expected = "" },
		{ .name = "expire", .steps = STEPS("after = \"1d\"; expire = \"2d\";"), .log = FIRST "2026-11-05T10:00:00.000Z sent ann course/two t2", .expected = "expire@2" },
		{ .name = "expire holds", .steps = STEPS("after = \"1d\"; expire = \"2d\";"), .log = FIRST "2026-11-05T09:59:59.999Z sent ann course/two t2", .expected = "" },
		{ .name = "skipped too early", .steps = STEPS("after = \"1d\"; expire = \"2d\";"), .log = FIRST "2026-11-05T09:59:59.999Z skipped ann course/two reason=step_expired", .expected = "expire@2" },
		{ .name = "skipped when it expired", .steps = STEPS("after = \"1d\"; expire = \"2d\";"), .log = FIRST "2026-11-05T10:00:00.000Z skipped ann course/two reason=step_expired", .expected = "" },
		{ .name = "what does not expire", .log = T "000Z skipped ann course/one reason=step_expired", .expected = "expire@1" },
		{ .name = "completed too early", .log = T "000Z sent ann course/one t1\n" T "000Z completed ann course/one", .expected = "order@2" },
		{ .name = "completed with the last", .log = T "000Z skipped ann course/three reason=step_removed\n" T "000Z sent ann course/four t1\n" T "000Z completed ann course/four", .expected = "" },
		{ .name = "completed under other steps", .log = T "000Z sent ann course/one t1\n" T "000Z config_loaded policy=other\n" T "000Z completed ann course/one\n" T "000Z config_loaded policy=GIVEN", .expected = "" },
		{ .name = "order", .log = T "000Z sent ann course/two t1", .expected = "order@1" },
		{ .name = "skipped", .log = T "000Z skipped ann course/one reason=step_removed\n" T "000Z sent ann course/two t1", .expected = "" },
		{ .name = "backwards", .log = T "000Z sent ann course/one t1\n" T "000Z sent ann course/two t2\n" T "000Z sent ann course/one t3", .expected = "order@3" },
		{ .name = "again", .log = T "000Z sent ann course/one t1\n" T "000Z sent ann course/one t2", .expected = "order@2" },
		{ .name = "behind the last", .log = T "000Z skipped ann course/four reason=step_removed\n" T "000Z sent ann course/four t1", .expected = "order@2" },
		{ .name = "a removed step", .log = T "000Z skipped ann course/gone reason=step_removed\n" T "000Z sent ann course/three t1", .expected = "" },
		{ .name = "order over a restart", .log = T "000Z config_loaded policy=GIVEN\n" T "000Z sent ann course/two t1", .expected = "order@2" },
		{ .name = "steps may have been edited", .log = T "000Z config_loaded policy=other\n" T "000Z config_loaded policy=GIVEN\n" T "000Z sent ann course/two t1", .expected = "" },
		{ .name = "after runs from the touch before a resent one", .steps = STEPS("after = \"36h\";"), .log = FIRST "2026-11-03T22:00:00.000Z unknown ann course/two t2\n2026-11-03T22:10:00.000Z resolved ann t2 resolution=resend\n2026-11-03T23:00:00.000Z sent ann course/two t2", .expected = "" },
		{ .name = "resent behind the next", .log = T "000Z unknown ann course/one t1\n" T "001Z sent ann course/two t2\n" T "002Z resolved ann t1 resolution=resend\n" T "003Z sent ann course/one t1", .expected = "" },
	};

	(void)state;
	ROWS(row);
}

/* Mon-Fri 08:30-17:30 in the contact's zone, which an import gives. */
#define IN(zone, ts) "2026-01-02T00:00:00Z contact_imported ann consent=opt_in timezone=" zone "\n" ts " sent ann course/one t1 handed_at=" ts
#define OFFICE       "window = { days = \"mon-fri\"; hours = \"08:30-17:30\"; default_timezone = \"Europe/Paris\"; };"
#define NIGHT        "window = { days = \"mon-sun\"; hours = \"01:30-02:30\"; };"

static void test_window(void **state)
{
	static const struct world row[] = {
		{ .name = "opening", .cadence = OFFICE, .log = IN("UTC", "2026-11-24T08:30:00.000Z"), .expected = "" },
		{ .name = "before", .cadence = OFFICE, .log = IN("UTC", "2026-11-24T08:29:59.999Z"), .expected = "window@2" },
		{ .name = "last", .cadence = OFFICE, .log = IN("UTC", "2026-11-24T17:29:59.999Z"), .expected = "" },
		{ .name = "half-open", .cadence = OFFICE, .log = IN("UTC", "2026-11-24T17:30:00.000Z"), .expected = "window@2" },
		{ .name = "Saturday", .cadence = OFFICE, .log = IN("UTC", "2026-11-28T12:00:00.000Z"), .expected = "window@2" },
		{ .name = "default zone", .cadence = OFFICE, .log = IN("", "2026-11-24T07:30:00.000Z"), .expected = "" },
		{ .name = "no such zone", .cadence = OFFICE, .log = IN("Mars/Base", "2026-11-24T07:29:59.999Z"), .expected = "window@2" },
		{ .name = "half an hour: Kolkata", .cadence = OFFICE, .log = IN("Asia/Kolkata", "2026-11-24T03:00:00.000Z"), .expected = "" },
		{ .name = "half an hour: Kolkata, before", .cadence = OFFICE, .log = IN("Asia/Kolkata", "2026-11-24T02:59:59.999Z"), .expected = "window@2" },
		{ .name = "Paris, last day of summer time", .cadence = OFFICE, .log = IN("Europe/Paris", "2026-10-23T06:30:00.000Z"), .expected = "" },
		{ .name = "Paris, first day of winter time", .cadence = OFFICE, .log = IN("Europe/Paris", "2026-10-26T07:29:59.999Z"), .expected = "window@2" },
		{ .name = "Sydney, before summer time", .cadence = OFFICE, .log = IN("Australia/Sydney", "2026-10-01T22:30:00.000Z"), .expected = "" },
		{ .name = "Sydney, in summer time", .cadence = OFFICE, .log = IN("Australia/Sydney", "2026-10-05T21:29:59.999Z"), .expected = "window@2" },
		{ .name = "Sydney, in summer time holds", .cadence = OFFICE, .log = IN("Australia/Sydney", "2026-10-05T21:30:00.000Z"), .expected = "" },
		/* Paris, 2026-03-29: 01:59:59 is followed by 03:00:00 (01:00Z); 01:30 is 00:30Z, the window ends at 02:30 = 03:30 */
		{ .name = "the hour that is not, in", .cadence = NIGHT, .log = IN("Europe/Paris", "2026-03-29T00:59:59.999Z"), .expected = "" },
		{ .name = "the hour that is not, behind", .cadence = NIGHT, .log = IN("Europe/Paris", "2026-03-29T01:00:00.000Z"), .expected = "window@2" },
		/* Paris, 2026-10-25: 02:00-03:00 is twice, from 00:00Z and from 01:00Z */
		{ .name = "the hour that is twice, first", .cadence = NIGHT, .log = IN("Europe/Paris", "2026-10-25T00:29:59.999Z"), .expected = "" },
		{ .name = "the hour that is twice, second", .cadence = NIGHT, .log = IN("Europe/Paris", "2026-10-25T01:00:00.000Z"), .expected = "window@2" },
		{ .name = "one zone for all", .cadence = "window = { days = \"mon-fri\"; hours = \"08:30-17:30\"; timezone = \"Asia/Tokyo\"; };", .log = IN("Europe/Paris", "2026-11-23T23:30:00.000Z"), .expected = "" },
		{ .name = "a holiday", .cadence = "window = { days = \"mon-fri\"; hours = \"00:00-24:00\"; holidays = [\"a.ics\"]; };", .log = IN("UTC", "2026-12-25T10:00:00.000Z"), .expected = "window@2" },
		{ .name = "the day before", .cadence = "window = { days = \"mon-fri\"; hours = \"00:00-24:00\"; holidays = [\"a.ics\"]; };", .log = IN("UTC", "2026-12-24T23:59:59.999Z"), .expected = "" },
		{ .name = "refused ones too", .cadence = OFFICE, .log = "2026-11-24T18:00:00.000Z refused ann course/one t1 permanent=false handed_at=2026-11-24T18:00:00.000Z", .expected = "window@1" },
		{ .name = "not those refused before the dot", .cadence = OFFICE, .log = "2026-11-24T18:00:00.000Z refused ann course/one t1 permanent=false", .expected = "" },
		{ .name = "a sequence's own", .cadence = OFFICE, .sequence = "cadence = { window = { hours = \"10:00-11:00\"; }; };", .log = IN("UTC", "2026-11-24T11:00:00.000Z"), .expected = "window@2" },
		{ .name = "the zone of then", .cadence = OFFICE, .log = IN("UTC", "2026-11-24T08:30:00.000Z") "\n2026-11-25T08:30:00.500Z contact_imported ann consent=opt_in timezone=Asia/Tokyo\n2026-11-25T08:30:00.600Z sent ann course/two t2 handed_at=2026-11-25T08:30:00.499Z", .expected = "" },
	};

	(void)state;
	config_dir_put("a.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
				"DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Noel\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
	ROWS(row);
}

/* A limit of a thousand must not cost the square: many touches of one sender in one window. */
static void test_many(void **state)
{
	static const struct world none = { .name = "many", .cadence = "sender = { limits = [\"1000 per 30d\"]; };", .log = "", .expected = "" };
	struct config *c = world_config(&none);
	struct audit *a = audit_new(c);
	struct world_found f = { 0 };
	struct audit_sum sum;
	struct buf b = { 0 };
	int64_t seq = 0;

	(void)state;
	buf_printf(&b, BEGIN " config_loaded policy=%s\n", c->policy_hash);
	world_lines(a, buf_text(&b), &seq, true);
	for (int i = 0; i < 20000; i++) {
		char line[160], at[CLOCK_TEXT_MAX];

		(void)snprintf(line, sizeof line, "%s refused p%d@x%d.example course/one t%d permanent=false", clock_format(1780000000000 + i, at), i, i % 7, i + 1);
		memcpy(strstr(line, "refused"), "sent   ", 7);
		world_lines(a, line, &seq, true);
	}
	audit_end(a, world_violation, &f, &sum);
	assert_int_equal(sum.touches, 20000);
	assert_true(sum.violations >= 19000);
	audit_free(&a);
	config_free(&c);
	buf_free(&f.list);
	buf_free(&f.text);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits), cmocka_unit_test(test_policy_in_force), cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_sunset), cmocka_unit_test(test_warmup),          cmocka_unit_test(test_steps),
		cmocka_unit_test(test_window), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
