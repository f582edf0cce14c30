/* rooms: base model rules net sender */
/* The dialogue against a relay of tests/fake: each line of the outcome table, pipelined and not, through a patient
 * scheduler and through one that acts inside the callbacks; what the relay received is compared byte for byte. */
#include "sender_world.h"

struct row {
	const char *local;
	enum outcome outcome;
	enum attempt_phase phase;
	int code;
	const char *status;
	const char *args;
	int timeout; /* ms for command and dot; 0: long */
	bool down;   /* the relay has to back off, when nothing was delivered on this connection before */
};

static const struct row rows[] = {
	{ "plain", OUTCOME_ACCEPTED, PHASE_DOT, 250, "2.0.0", "", 0, false },
	{ "multi", OUTCOME_ACCEPTED, PHASE_DOT, 250, "2.0.0", "", 0, false },
	{ "split", OUTCOME_ACCEPTED, PHASE_DOT, 250, "2.0.0", "", 0, false },
	{ "ok251", OUTCOME_ACCEPTED, PHASE_DOT, 250, "2.0.0", "", 0, false },
	{ "slow-dot+30", OUTCOME_ACCEPTED, PHASE_DOT, 250, "2.0.0", "", 0, false },
	{ "tempfail+1", OUTCOME_REFUSED_TEMP, PHASE_RCPT, 450, "4.2.0", "", 0, false },
	{ "baduser", OUTCOME_BAD_ADDRESS, PHASE_RCPT, 550, "5.1.1", "", 0, false },
	{ "relaydenied", OUTCOME_REFUSED_PERM, PHASE_RCPT, 554, "5.7.1", "", 0, false },
	{ "rcpt-354", OUTCOME_BAD_ADDRESS, PHASE_RCPT, 550, "5.1.1", "", 0, false },
	{ "baddata", OUTCOME_REFUSED_CONTENT, PHASE_DATA, 554, "5.7.1", "", 0, false },
	{ "tempdatacmd", OUTCOME_NOT_SENT, PHASE_DATA, 451, "4.3.0", "", 0, true },
	{ "policy", OUTCOME_REFUSED_CONTENT, PHASE_DOT, 550, "5.7.1", "", 0, false },
	{ "toolarge", OUTCOME_REFUSED_CONTENT, PHASE_DOT, 552, "5.3.4", "", 0, false },
	{ "tempdata", OUTCOME_REFUSED_TEMP, PHASE_DOT, 451, "4.3.0", "", 0, false },
	{ "421-dot", OUTCOME_REFUSED_TEMP, PHASE_DOT, 421, "4.3.2", "", 0, true },
	{ "garbage-dot", OUTCOME_UNKNOWN, PHASE_DOT, 0, "", "", 0, true },
	{ "longline", OUTCOME_UNKNOWN, PHASE_DOT, 0, "", "", 0, true },
	{ "hangup-rcpt", OUTCOME_NOT_SENT, PHASE_RCPT, 0, "", "", 0, true },
	{ "hangup-data", OUTCOME_NOT_SENT, PHASE_BODY, 0, "", "", 0, true },
	{ "early-552", OUTCOME_NOT_SENT, PHASE_BODY, 552, "5.3.4", "", 0, true },
	{ "hangup-dot", OUTCOME_UNKNOWN, PHASE_DOT, 0, "", "", 0, true },
	{ "rst-dot", OUTCOME_UNKNOWN, PHASE_DOT, 0, "", "", 0, true },
	{ "silent-dot", OUTCOME_UNKNOWN, PHASE_DOT, 0, "", "", 150, true },
	{ "silent-rcpt", OUTCOME_NOT_SENT, PHASE_RCPT, 0, "", "", 150, true },
};

/* More than the sockets take: the relay's word comes before the end of the body. */
static void make_big(struct job *j)
{
	size_t n = j->data.len;

	buf_reserve(&j->data, 20 << 20);
	while (j->data.len < 18 << 20)
		buf_add(&j->data, j->data.data, n);
	j->m.data = j->data.data;
	j->m.size = j->data.len;
}

static bool is_at_mail(const struct row *r)
{
	return r->phase == PHASE_MAIL;
}

/* MAIL is refused by what the sender's local part says: it works without pipelining too. */
static const struct row mail_rows[] = {
	{ "421-mail", OUTCOME_NOT_SENT, PHASE_MAIL, 421, "4.3.2", "", 0, true },
	{ "tempmail", OUTCOME_NOT_SENT, PHASE_MAIL, 451, "4.3.0", "", 0, true },
	{ "badsender", OUTCOME_NOT_SENT, PHASE_MAIL, 550, "5.1.8", "", 0, true },
};

static void check_job(const struct relay *relay, const struct job *j, enum outcome o)
{
	if (j->outcomes != 1 || j->result.outcome != o)
		fail_msg("%s: %d outcomes, %s instead of %s: %s", j->m.envelope_to, j->outcomes,
			 outcome_name(j->result.outcome), outcome_name(o), j->reply);
	assert_int_equal(relay_received(relay, &j->m), o == OUTCOME_ACCEPTED);
}

static void run_row(const struct row *r, const char *args, bool eager, bool alone)
{
	struct relay relay = { 0 };
	struct world w;
	char all[128];
	struct job *j;

	snprintf(all, sizeof all, "%s %s", r->args, args);
	relay_start(&relay, all);
	world_init(&w, relay.port);
	if (r->timeout)
		w.config.timeout_command = w.config.timeout_dot = r->timeout;
	w.eager = eager;
	world_open(&w);
	if (!alone)
		world_add(&w, "good1", NULL);
	j = world_add(&w, r->local, NULL);
	if (is_at_mail(r))
		snprintf(j->m.envelope_from, sizeof j->m.envelope_from, "%s@example.com", r->local);
	if (r->phase == PHASE_BODY)
		make_big(j);
	/* What was pipelined behind a dot that got no good answer is not sent; it is due again. */
	world_add(&w, "good2", NULL)->again = true;
	world_add(&w, "good3", NULL)->again = true;
	world_run(&w);
	for (int i = 0; i < w.n; i++)
		check_job(&relay, &w.job[i], &w.job[i] == j ? r->outcome : OUTCOME_ACCEPTED);
	if (j->result.phase != r->phase || j->result.code != r->code || strcmp(j->status, r->status) != 0)
		fail_msg("%s (%s): %s %d %s instead of %s %d %s: %s", r->local, args,
			 attempt_phase_name(j->result.phase), j->result.code, j->status, attempt_phase_name(r->phase),
			 r->code, r->status, j->reply);
	assert_false(j->result.local);
	/* A relay in trouble backs off; one that delivered before and then hung up or said 421 is asked again at once.
	 */
	if (alone && (w.relay_down > 0) != r->down)
		fail_msg("%s: back-off %d times: %s", r->local, w.relay_down, w.down_why);
	assert_true(w.relay_down == w.relay_up);
	assert_int_equal(relay_received(&relay, NULL), r->outcome == OUTCOME_ACCEPTED ? w.n : w.n - 1);
	world_close(&w);
	relay_remove(&relay);
}

static void run_rows(const char *args, bool eager, bool alone)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		/* an answer during the body: handed eagerly the dot may be out before it is read, and then it answers the dot */
		if (!eager || rows[i].phase != PHASE_BODY)
			run_row(&rows[i], args, eager, alone);
	for (size_t i = 0; i < COUNT(mail_rows); i++)
		run_row(&mail_rows[i], args, eager, alone);
}

static void test_pipelined(void **state)
{
	(void)state;
	run_rows("", false, false);
}

static void test_pipelined_first(void **state)
{
	(void)state;
	run_rows("", false, true);
}

static void test_step_by_step(void **state)
{
	(void)state;
	run_rows("--no-pipelining", false, false);
	run_rows("--no-pipelining", false, true);
}

static void test_helo(void **state)
{
	(void)state;
	run_rows("--ehlo-refuse", false, true);
}

static void test_eager(void **state)
{
	(void)state;
	run_rows("", true, false);
	run_rows("", true, true);
	run_rows("--no-pipelining", true, false);
}

/* The transaction of a refused dot stays open: what is pipelined behind it must not fall into it. */
static void test_refused_stays_open(void **state)
{
	static const struct row row[] = {
		{ "policy", OUTCOME_REFUSED_CONTENT, PHASE_DOT, 550, "5.7.1", "--keep-refused", 0, false },
		{ "tempdata", OUTCOME_REFUSED_TEMP, PHASE_DOT, 451, "4.3.0", "--keep-refused", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		run_row(&row[i], "", false, false);
		run_row(&row[i], "", false, true);
		run_row(&row[i], "--no-pipelining", false, true);
	}
}

static void test_latency(void **state)
{
	(void)state;
	run_row(&rows[0], "--latency 5", false, false);
	run_row(&rows[6], "--latency 5", false, false);
}

/* ---- what an envelope and an address mean without an enhanced code ---- */

static void test_plain_550(void **state)
{
	struct relay relay = { 0 };
	struct world w;

	(void)state;
	relay_start(&relay, "");
	world_init(&w, relay.port);
	world_open(&w);
	world_add(&w, "plain550", NULL);
	world_add(&w, "good", NULL);
	world_add(&w, "plain550", NULL);
	world_run(&w);
	check_job(&relay, &w.job[0], OUTCOME_REFUSED_PERM); /* perhaps it takes nobody's mail */
	check_job(&relay, &w.job[1], OUTCOME_ACCEPTED);
	check_job(&relay, &w.job[2], OUTCOME_BAD_ADDRESS); /* it takes our mail, but not for this one */
	world_close(&w);
	relay_remove(&relay);
}

/* ---- bodies ---- */

static void test_bodies(void **state)
{
	static const char *const body[] = {
		".\r\n", "..\r\n", "\r\n.\r\n.\r\n",        "a\r\n.\r\n",
		"",      "x\r\n",  ".a\r\n..b\r\n...c\r\n", "a.\r\n.\r\n\r\n",
	};
	struct relay relay = { 0 };
	struct world w;
	struct buf big = { 0 };

	(void)state;
	relay_start(&relay, "");
	world_init(&w, relay.port);
	w.config.connections = 2;
	world_open(&w);
	for (size_t i = 0; i < COUNT(body); i++)
		world_add(&w, "good", body[i]);
	for (int i = 0; i < 100000; i++) /* more than any socket takes at once */
		buf_printf(&big, "%s%d %0*d\r\n", i % 7 ? "" : ".", i, i % 60, 0);
	world_add(&w, "good", buf_text(&big));
	for (int i = 0; i < 998; i++)
		buf_char(&w.job[0].data, 'x');
	buf_str(&w.job[0].data, "\r\n");
	w.job[0].m.data = w.job[0].data.data;
	w.job[0].m.size = w.job[0].data.len;
	world_run(&w);
	for (int i = 0; i < w.n; i++)
		check_job(&relay, &w.job[i], OUTCOME_ACCEPTED);
	buf_free(&big);
	world_close(&w);
	relay_remove(&relay);
}

/* ---- refused here, before a byte leaves ---- */

struct local_row {
	const char *to, *from, *data;
	size_t size;
	bool utf8;
	const char *args;
	enum outcome outcome;
	const char *status, *text;
};

#define HEAD       "Subject: x\r\n\r\n"
#define DATA(text) HEAD text, sizeof(HEAD text) - 1

static const struct local_row local_rows[] = {
	{ "a@x.example", "b@e.example", DATA("bare\rcr\r\n"), false, "", OUTCOME_REFUSED_CONTENT, "5.6.0", "bare CR" },
	{ "a@x.example", "b@e.example", DATA("bare\nlf\r\n"), false, "", OUTCOME_REFUSED_CONTENT, "5.6.0", "bare LF" },
	{ "a@x.example", "b@e.example", DATA("\n.\r\nMAIL FROM:<x@y.example>\r\n"), false, "", OUTCOME_REFUSED_CONTENT,
	  "5.6.0", "bare LF" },
	{ "a@x.example", "b@e.example", DATA("x\r\n.\r\r\n"), false, "", OUTCOME_REFUSED_CONTENT, "5.6.0", "bare CR" },
	{ "a@x.example", "b@e.example", DATA("a\0b\r\n"), false, "", OUTCOME_REFUSED_CONTENT, "5.6.0", "NUL" },
	{ "a@x.example", "b@e.example", DATA("no end"), false, "", OUTCOME_REFUSED_CONTENT, "5.6.0", "end with CRLF" },
	{ "a@x.example", "b@e.example", DATA("cr end\r"), false, "", OUTCOME_REFUSED_CONTENT, "5.6.0",
	  "end with CRLF" },
	{ "a@x.example", "b@e.example", "", 0, false, "", OUTCOME_REFUSED_CONTENT, "5.6.0", "end with CRLF" },
	{ "a@x.example", "b@e.example", "\n", 1, false, "", OUTCOME_REFUSED_CONTENT, "5.6.0", "end with CRLF" },
	{ "a@x.example", "b@e.example", "\n\n", 2, false, "", OUTCOME_REFUSED_CONTENT, "5.6.0", "bare LF" },
	{ "a@x.example", "b@e.example", DATA("caf\xc3\xa9\r\n"), false, "", OUTCOME_REFUSED_CONTENT, "5.6.0", "7-bit" },
	{ "a@x.example", "b@e.example", DATA("some more text than ten bytes\r\n"), false, "--size 20",
	  OUTCOME_REFUSED_CONTENT, "5.3.4", "the relay takes 20" },
	{ "a b@x.example", "b@e.example", DATA("x\r\n"), false, "", OUTCOME_REFUSED_PERM, "5.1.3", "space" },
	{ "a@x.example>\r\nRCPT TO:<c@x.example", "b@e.example", DATA("x\r\n"), false, "", OUTCOME_REFUSED_PERM,
	  "5.1.3", "angle" },
	{ "a@x.example\r\nDATA", "b@e.example", DATA("x\r\n"), false, "", OUTCOME_REFUSED_PERM, "5.1.3", "control" },
	{ "a@x.example", "b@e.example\nx", DATA("x\r\n"), false, "", OUTCOME_REFUSED_PERM, "5.1.3", "control" },
	{ "a@x.example", "<b@e.example", DATA("x\r\n"), false, "", OUTCOME_REFUSED_PERM, "5.1.3", "angle" },
	{ "", "b@e.example", DATA("x\r\n"), false, "", OUTCOME_REFUSED_PERM, "5.1.3", "empty" },
	{ "a@x.example", "", DATA("x\r\n"), false, "", OUTCOME_REFUSED_PERM, "5.1.3", "empty" },
	{ "j\xc3\xb6@x.example", "b@e.example", DATA("x\r\n"), false, "", OUTCOME_REFUSED_PERM, "5.1.3", "ASCII" },
	{ "j\xc3\xb6@x.example", "b@e.example", DATA("x\r\n"), true, "--no-smtputf8", OUTCOME_REFUSED_PERM, "5.6.7",
	  "SMTPUTF8" },
};

static void run_local(const struct local_row *r, const char *args)
{
	struct relay relay = { 0 };
	struct world w;
	char all[128];

	snprintf(all, sizeof all, "%s %s", r->args, args);
	relay_start(&relay, all);
	world_init(&w, relay.port);
	world_open(&w);
	world_add(&w, "tiny", "\r\n");
	world_add(&w, "refused", NULL);
	world_add(&w, "tiny", "\r\n");
	for (int i = 0; i < 3; i += 2) {
		w.job[i].m.data = "\r\n";
		w.job[i].m.size = 2;
	}
	snprintf(w.job[1].m.envelope_to, sizeof w.job[1].m.envelope_to, "%s", r->to);
	snprintf(w.job[1].m.envelope_from, sizeof w.job[1].m.envelope_from, "%s", r->from);
	w.job[1].m.data = r->data;
	w.job[1].m.size = r->size;
	w.job[1].m.smtputf8 = r->utf8;
	world_run(&w);
	assert_int_equal(w.job[1].result.outcome, r->outcome);
	assert_true(w.job[1].result.local);
	assert_int_equal(w.job[1].result.code, 0);
	assert_string_equal(w.job[1].status, r->status);
	assert_non_null(strstr(w.job[1].reply, r->text));
	assert_int_equal(w.job[0].result.outcome, OUTCOME_ACCEPTED);
	assert_int_equal(w.job[2].result.outcome, OUTCOME_ACCEPTED);
	assert_int_equal(relay_count(&relay, "\"mail\"", ""), 2);
	assert_int_equal(relay_count(&relay, "\"connect\"", ""), 1); /* it stays usable */
	assert_int_equal(w.relay_down, 0);
	world_close(&w);
	relay_remove(&relay);
}

static void test_refused_here(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(local_rows); i++) {
		run_local(&local_rows[i], "");
		run_local(&local_rows[i], "--no-pipelining");
	}
}

/* One byte that must not be there, at each place of a message and of what is checked at once. */
static void test_fault_at_any_place(void **state)
{
	static const char text[] = "Subject: x\r\n\r\n0123456789 0123456789 0123456789 0123456789\r\nabc\r\n.\r\n0123456789 01234567890\r\n";
	static const char fault[] = { '\0', '\r', '\n', '\xfc' };
	struct relay relay = { 0 };
	struct world w;

	(void)state;
	relay_start(&relay, "");
	world_init(&w, relay.port);
	world_open(&w);
	world_add(&w, "good", NULL);
	for (size_t f = 0; f < COUNT(fault); f++)
		for (size_t at = 0; at + 1 < sizeof text; at++) {
			if (text[at] == fault[f])
				continue;
			struct job *j = world_add(&w, "bad", NULL);
			buf_clear(&j->data);
			buf_add(&j->data, text, sizeof text - 1);
			j->data.data[at] = fault[f];
			j->m.data = j->data.data;
			j->m.size = j->data.len;
		}
	world_run(&w);
	check_job(&relay, &w.job[0], OUTCOME_ACCEPTED);
	for (int i = 1; i < w.n; i++)
		assert_int_equal(w.job[i].result.outcome, OUTCOME_REFUSED_CONTENT);
	assert_int_equal(relay_count(&relay, "\"message\"", "250"), 1);
	world_close(&w);
	relay_remove(&relay);
}

static void test_line_of_999(void **state)
{
	char data[1024];
	struct local_row r = { "a@x.example",           "b@e.example", data, 1003, false, "",
			       OUTCOME_REFUSED_CONTENT, "5.6.0",       "998" };

	(void)state;
	memset(data, 'x', sizeof data);
	memcpy(data, "\r\n", 2);
	memcpy(data + 1001, "\r\n", 2);
	run_local(&r, "");
}

static void test_smtputf8(void **state)
{
	struct relay relay = { 0 };
	struct world w;

	(void)state;
	relay_start(&relay, "");
	world_init(&w, relay.port);
	world_open(&w);
	world_add(&w, "j\xc3\xb6rg", NULL)->m.smtputf8 = true;
	world_run(&w);
	check_job(&relay, &w.job[0], OUTCOME_ACCEPTED);
	world_close(&w);
	relay_remove(&relay);
}

/* ---- withdrawing ---- */

static void run_withdraw(const char *args, bool eager)
{
	struct relay relay = { 0 };
	struct world w;

	relay_start(&relay, args);
	world_init(&w, relay.port);
	w.eager = eager;
	world_open(&w);
	world_add(&w, "good", NULL);
	world_add(&w, "taken-back", NULL)->withdraw = true;
	world_add(&w, "good", NULL);
	world_run(&w);
	check_job(&relay, &w.job[0], OUTCOME_ACCEPTED);
	check_job(&relay, &w.job[1], OUTCOME_NOT_SENT);
	check_job(&relay, &w.job[2], OUTCOME_ACCEPTED);
	assert_true(w.job[1].result.local);
	assert_int_equal(w.relay_down, 0);
	assert_int_equal(relay_count(&relay, "\"connect\"", ""), 2);
	world_close(&w);
	relay_remove(&relay);
}

static void test_withdraw(void **state)
{
	(void)state;
	run_withdraw("", false);
	run_withdraw("", true);
	run_withdraw("--no-pipelining", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_pipelined_first),
		cmocka_unit_test(test_step_by_step),
		cmocka_unit_test(test_helo),
		cmocka_unit_test(test_eager),
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_refused_stays_open),
		cmocka_unit_test(test_plain_550),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_refused_here),
		cmocka_unit_test(test_fault_at_any_place),
		cmocka_unit_test(test_line_of_999),
		cmocka_unit_test(test_smtputf8),
		cmocka_unit_test(test_withdraw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
