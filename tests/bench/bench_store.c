/* rooms: base model rules store */
/* What the store costs a message: bench_store CONTACTS GROUP MESSAGES [DIRECTORY].
 *
 * Imports CONTACTS contacts with their contact_imported events, enrolls them, and sends MESSAGES messages in group
 * commits as the scheduler does: a turn records the results of the group handed over before, hands over the group
 * reserved before, and reserves the next; one commit, and the events are read back for the log. The import is compared
 * with `sqlite3 .import` of the same rows into a table with a unique e-mail column. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "abv/mem.h"
#include "abv/store.h"

#define IMPORT_ROWS 1000 /* a transaction */
#define COLLEAGUES  5    /* contacts of an account */
#define START       (INT64_C(1790000000) * 1000)

static void check(int failed, const char *what, const struct err *e)
{
	if (!failed)
		return;
	fprintf(stderr, "bench_store: %s: %s\n", what, e->text);
	exit(1);
}

static double wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Resident memory in KB. */
static long resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size = 0, pages = 0;

	if (f && fscanf(f, "%ld %ld", &size, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- import ---- */

struct person {
	char email[64], account[48], first[24];
	struct buf fields;
};

static void person_make(struct person *p, long i)
{
	long account = i / COLLEAGUES;

	/* scattered like real addresses, not in order of the index */
	snprintf(p->account, sizeof(p->account), "company%06ld.example", account * 7919 % 1000003);
	snprintf(p->first, sizeof(p->first), "Ada%ld", i % 97);
	snprintf(p->email, sizeof(p->email), "%c%c.user%ld@%s", (int)('a' + i * 7 % 26), (int)('a' + i * 11 % 26), i,
		 p->account);
	buf_clear(&p->fields);
	fields_add(&p->fields, "industry", "logistics");
	fields_add(&p->fields, "employees", "120");
}

static void import(struct store *s, long contacts, struct err *e)
{
	struct person p = { 0 };
	double w = wall(), c = cpu();

	for (long i = 0; i < contacts; i++) {
		struct contact row = { .email = p.email,
				       .account = p.account,
				       .account_name = "Company",
				       .first_name = p.first,
				       .last_name = "Lovelace",
				       .title = "Head of Operations",
				       .timezone = "Europe/Paris",
				       .owner = "dana",
				       .tags = "trial;webinar",
				       .consent = "opt_in",
				       .consent_source = "webinar",
				       .consent_at = START - CLOCK_DAY };
		struct event ev = { .ts = START,
				    .type = EVENT_CONTACT_IMPORTED,
				    .address = "",
				    .account = p.account,
				    .sequence = "",
				    .step = "",
				    .kind = -1,
				    .detail = "\"timezone\":\"Europe/Paris\",\"consent\":\"opt_in\"" };
		enum put_result result;

		if (i % IMPORT_ROWS == 0)
			check(store_begin(s, e), "begin", e);
		person_make(&p, i);
		row.attributes = (struct fields){ buf_text(&p.fields), p.fields.len };
		check(store_contact_put(s, &row, START, &result, &ev.contact_id, e) || result != PUT_CREATED, "put", e);
		check(store_event_add(s, &ev, NULL, e), "event", e);
		if (i % IMPORT_ROWS == IMPORT_ROWS - 1 || i == contacts - 1)
			check(store_commit_now(s, e), "commit", e);
	}
	w = wall() - w;
	c = cpu() - c;
	printf("import: %ld contacts and events in %.2f s (CPU %.2f s): %.0f rows/s\n", contacts, w, c,
	       (double)contacts / w);
	buf_free(&p.fields);
}

/* The same rows through the sqlite3 shell. */
static void import_shell(const char *dir, long contacts)
{
	char csv[256], command[1024];
	struct person p = { 0 };
	FILE *f;
	double w;

	snprintf(csv, sizeof(csv), "%s/import.csv", dir);
	f = fopen(csv, "w");
	if (!f)
		return;
	for (long i = 0; i < contacts; i++) {
		person_make(&p, i);
		fprintf(f,
			"%s,%s,Company,%s,Lovelace,Head of "
			"Operations,Europe/Paris,dana,trial;webinar,opt_in,webinar,%" PRId64 ",logistics,120\n",
			p.email, p.account, p.first, START - CLOCK_DAY);
	}
	fclose(f);
	buf_free(&p.fields);
	snprintf(command, sizeof(command),
		 "cd %s && rm -f shell.db* && sqlite3 shell.db 'PRAGMA journal_mode=wal' 'PRAGMA synchronous=full' "
		 "'create table c(email text unique, account text, account_name text, first text, last text, title "
		 "text, tz text, "
		 "owner text, tags text, consent text, source text, consent_at int, industry text, employees int)' "
		 "'.mode csv' '.import import.csv c' >/dev/null",
		 dir);
	w = wall();
	if (system(command) != 0)
		printf("import by sqlite3: not measured (no sqlite3)\n");
	else
		printf("import by sqlite3 .import: %.0f rows/s\n", (double)contacts / (wall() - w));
}

static void enroll_all(struct store *s, long contacts, struct err *e)
{
	double w = wall();

	for (long i = 0; i < contacts; i++) {
		/* due in another order than the contacts' */
		int64_t id, due = START + i * 7919 % contacts;

		if (i % IMPORT_ROWS == 0)
			check(store_begin(s, e), "begin", e);
		check(store_enroll(s, i + 1, "getting-started", "checklist", 0, START, due, due, &id, e) != 1, "enroll",
		      e);
		if (i % IMPORT_ROWS == IMPORT_ROWS - 1 || i == contacts - 1)
			check(store_commit_now(s, e), "commit", e);
	}
	printf("enroll: %.0f rows/s\n", (double)contacts / (wall() - w));
}

/* Some people said no, and some accounts are held: their look-ups are part of the path. */
static void forbid_some(struct store *s, long contacts, struct err *e)
{
	char target[64];

	check(store_begin(s, e), "begin", e);
	for (long i = 0; i < contacts / 100; i++) {
		snprintf(target, sizeof(target), "gone%ld@company%ld.example", i, i);
		check(store_suppress(s, target, REASON_UNSUBSCRIBED, "", START, e) < 0, "suppress", e);
	}
	check(store_suppress(s, "@rival.example", REASON_MANUAL, "", START, e) < 0, "suppress", e);
	check(store_account_hold(s, 1, START + 14 * CLOCK_DAY, "replied", e), "hold", e);
	check(store_commit_now(s, e), "commit", e);
}

/* ---- sending ---- */

struct group {
	struct due_row *due;
	struct touch *touch;
	int n;
};

static struct policy policy_make(void)
{
	return (struct policy){
		.contact_min_gap = { .business_days = 3 },
		.contact = { { { 1, 7 * CLOCK_DAY }, { 4, 30 * CLOCK_DAY } }, 2 },
		.account = { { { 2, 7 * CLOCK_DAY } }, 1 },
		.backoff_factor = 1.5,
		.sunset_touches = 8,
		.sunset_silence = 120 * CLOCK_DAY,
		.gifts_per_ask = 3,
	};
}

static void record(struct store *s, const struct group *g, int64_t now, struct err *e)
{
	for (int i = 0; i < g->n; i++) {
		const struct touch *t = &g->touch[i];
		struct event ev = { .ts = now,
				    .type = EVENT_SENT,
				    .contact_id = t->contact_id,
				    .address = "",
				    .account = "company.example",
				    .sequence = "getting-started",
				    .step = "checklist",
				    .kind = KIND_VALUE,
				    .touch_id = t->id,
				    .detail = "\"message_id\":\"m0123456789abcdef0123@example.com\",\"handed_at\":"
					      "\"2026-11-24T09:30:00.000Z\","
					      "\"content\":\"00112233445566778899aabbccddeeff\",\"smtp_code\":250,"
					      "\"smtp_reply\":\"2.0.0 Ok: queued as 4ABCDEF0123\"" };

		check(store_touch_set(s, t->id, TOUCH_ACCEPTED, now, 250, "2.0.0 Ok: queued as 4ABCDEF0123", e), "set",
		      e);
		check(store_enrollment_advance(s, t->enrollment_id, "benchmark", 1, now, now + 7 * CLOCK_DAY,
					       now + 7 * CLOCK_DAY, e),
		      "advance", e);
		check(store_event_add(s, &ev, NULL, e), "event", e);
	}
}

static void hand(struct store *s, const struct group *g, int64_t now, struct err *e)
{
	for (int i = 0; i < g->n; i++)
		check(store_touch_hand(s, g->touch[i].id, now, e), "hand", e);
}

static void reserve(struct store *s, struct group *g, int64_t now, struct err *e)
{
	static const struct policy *policy;
	static struct policy made;
	char content[DIGEST_HEX];

	if (!policy) {
		made = policy_make();
		policy = &made;
	}
	for (int i = 0; i < g->n; i++) {
		struct enrollment_row *row = NULL;
		struct history h;
		struct standing standing;

		check(store_enrollment(s, g->due[i].enrollment_id, &row, e) != 1, "enrollment", e);
		check(store_history(s, policy, row->contact, 0, now, &h, e), "history", e);
		check(store_standing(s, row->contact, &standing, e), "standing", e);
		snprintf(content, sizeof(content), "%032" PRIx64, (uint64_t)g->due[i].enrollment_id * 2654435761u);
		check(store_content_seen(s, row->contact->id, content, 0) != 0, "content", e);
		g->touch[i] = (struct touch){
			.id = store_touch_new_id(s),
			.enrollment_id = row->enrollment.id,
			.contact_id = row->contact->id,
			.account_id = row->contact->account_id,
			.sequence = "getting-started",
			.step = "checklist",
			.kind = KIND_VALUE,
			.content = content,
			.provider = mailaddr_domain(row->contact->email),
			.message_id = "m0123456789abcdef0123@example.com",
			.smtp_reply = "",
		};
		check(store_touch_reserve(s, &g->touch[i], now, e), "reserve", e);
		enrollment_row_free(&row);
	}
}

static void count_bytes(void *arg, const struct event *ev)
{
	*(size_t *)arg += strlen(ev->detail) + strlen(ev->address);
}

static void send_all(struct store *s, int group, long messages, struct err *e)
{
	struct group g[3] = { { 0 } };
	struct due_row *due = mem_array((size_t)messages + 1, sizeof(*due));
	int64_t now = START + 3 * CLOCK_DAY, logged = store_event_last(s);
	int n = store_due(s, "getting-started", now, due, (int)messages, e);
	double w, c;
	long taken = 0, sent = 0, turns = 0;
	size_t bytes = 0;

	check(n < 0, "due", e);
	for (int i = 0; i < 3; i++)
		g[i].touch = mem_array((size_t)group, sizeof(*g[i].touch));
	w = wall();
	c = cpu();
	while (sent < n) {
		struct group *handed = &g[turns % 3], *reserved = &g[(turns + 1) % 3], *next = &g[(turns + 2) % 3];

		now += 10;
		check(store_begin(s, e), "begin", e);
		record(s, handed, now, e);
		hand(s, reserved, now, e);
		next->due = due + taken;
		next->n = (int)(n - taken < group ? n - taken : group);
		reserve(s, next, now, e);
		taken += next->n;
		check(store_commit_now(s, e), "commit", e);
		check(store_events(s, logged, 100000, count_bytes, &bytes, e) < 0, "events", e);
		logged = store_event_last(s);
		sent += handed->n;
		handed->n = 0;
		turns++;
	}
	w = wall() - w;
	c = cpu() - c;
	printf("send: %ld messages in groups of %d: %.1f us a message (CPU %.1f us), %.0f/s, resident %ld KB\n", sent,
	       group, w / (double)sent * 1e6, c / (double)sent * 1e6, (double)sent / w, resident());
	for (int i = 0; i < 3; i++)
		free(g[i].touch);
	free(due);
}

int main(int argc, char **argv)
{
	long contacts = argc > 1 ? atol(argv[1]) : 100000, messages = argc > 3 ? atol(argv[3]) : 20000;
	int group = argc > 2 ? atoi(argv[2]) : 64;
	char dir[200], path[256];
	struct store *s = NULL;
	struct err e = { "" };

	snprintf(dir, sizeof(dir), "%s/abv-bench-XXXXXX", argc > 4 ? argv[4] : "/var/tmp");
	if (contacts < 1 || group < 1 || messages < 1 || !mkdtemp(dir)) {
		fprintf(stderr, "usage: bench_store CONTACTS GROUP MESSAGES [DIRECTORY]\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/abvd.db", dir);
	check(store_open(path, &s, &e) != STORE_OK, "open", &e);
	import(s, contacts, &e);
	import_shell(dir, contacts);
	enroll_all(s, contacts, &e);
	forbid_some(s, contacts, &e);
	send_all(s, group, messages < contacts ? messages : contacts, &e);
	store_close(&s);
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	return system(path) != 0;
}
