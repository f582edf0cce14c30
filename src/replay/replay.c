/* The log read twice: first whether it can be followed at all and who was forgotten meanwhile, then each line done. */
#include <stdlib.h>
#include <string.h>

#include "abv/journal.h"
#include "abv/mem.h"
#include "replay_int.h"

#define TRANSACTION_LINES 500
#define TOUCH_MOST (INT64_C(1) << 53) /* what JSON carries everywhere; touches that follow are numbered behind it */

/* ---- lines ---- */

const char *line_text(const struct line *l, const char *member)
{
	const char *s = json_string_value(json_object_get(l->json, member));

	return s ? s : "";
}

int64_t line_time(const struct line *l, const char *member)
{
	int64_t t = 0;

	return clock_parse(line_text(l, member), &t, NULL) ? 0 : t;
}

static int line_read(const struct journal_line *in, const json_t *json, struct line *out, struct err *e)
{
	const char *kind;

	*out = (struct line){ .json = json, .seq = in->seq, .kind = -1 };
	out->ts = line_time(out, "ts");
	out->type = event_type_find(line_text(out, "event"));
	if (!json || !out->ts)
		return err_set(e, "%s:%lld: this line cannot be read", in->file, (long long)in->line);
	if (out->type == EVENT_TYPE_COUNT)
		return err_set(e, "%s:%lld: event '%s' is of a newer abvd", in->file, (long long)in->line, line_text(out, "event"));
	kind = line_text(out, "kind");
	if (*kind)
		out->kind = strcmp(kind, kind_name(KIND_ASK)) ? KIND_VALUE : KIND_ASK;
	out->touch = json_integer_value(json_object_get(json, "touch"));
	if (out->touch < 0 || out->touch > TOUCH_MOST)
		return err_set(e, "%s:%lld: touch %lld is none", in->file, (long long)in->line, (long long)out->touch);
	out->contact = line_text(out, "contact");
	out->account = line_text(out, "account");
	out->sequence = line_text(out, "sequence");
	out->step = line_text(out, "step");
	return 0;
}

/* What stands behind the members that every line has. */
static void detail_add(const struct line *l, struct buf *out)
{
	static const char *const head[] = { "seq", "ts", "event", "contact", "account", "sequence", "step", "kind", "touch" };
	json_t *rest = json_copy((json_t *)l->json);
	char *text;
	size_t n;

	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		(void)json_object_del(rest, head[i]);
	text = json_dumps(rest, JSON_COMPACT | JSON_PRESERVE_ORDER);
	n = text ? strlen(text) : 0;
	if (n > 2)
		buf_add(out, text + 1, n - 2);
	free(text);
	json_decref(rest);
}

/* ---- first: can it be followed? ---- */

static int first_row(void *arg, const struct journal_line *in)
{
	struct replay *r = arg;
	struct line l;
	json_t *json;
	int rc;

	if (!in->whole) /* torn: cut by the start that follows */
		return 0;
	if (!in->seq)
		return err_set(r->e, "%s:%lld: this is no line of an engagement log", in->file, (long long)in->line);
	if (in->seq <= r->done)
		return 0;
	if (in->seq != r->done + 1)
		return err_set(r->e, "%s:%lld: seq %lld comes after %lld: what lies between is needed (unpack compressed files)", in->file,
			       (long long)in->line, (long long)in->seq, (long long)r->done);
	json = json_loadb(in->text, in->n, 0, NULL);
	rc = line_read(in, json, &l, r->e);
	if (!rc && l.type == EVENT_FORGOTTEN) {
		r->hash = mem_grow(r->hash, r->hash_n + 1, sizeof(*r->hash));
		r->hash[r->hash_n++] = mem_strdup(l.contact);
	}
	if (!rc)
		r->now = l.ts;
	r->done = in->seq;
	json_decref(json);
	return rc;
}

/* ---- who was forgotten: their lines bear the hash already ---- */

struct search {
	struct replay *r;
	int64_t *id, after;
	size_t n;
};

static void search_row(void *arg, const struct contact *c)
{
	struct search *f = arg;
	char hash[64];

	f->after = c->id;
	store_hash(f->r->store, c->email, hash);
	for (size_t i = 0; i < f->r->hash_n; i++) {
		if (strcmp(hash, f->r->hash[i]) != 0)
			continue;
		f->id = mem_grow(f->id, f->n + 1, sizeof(*f->id));
		f->id[f->n++] = c->id;
	}
}

static int forget_again(struct replay *r)
{
	struct search f = { .r = r };
	char hash[64];
	int n = r->hash_n ? 1 : 0, rc = 0;

	while (n > 0)
		n = store_contacts(r->store, NULL, f.after, 1000, search_row, &f, r->e);
	if (n < 0)
		rc = -1;
	if (!rc && f.n)
		rc = store_begin(r->store, r->e);
	for (size_t i = 0; !rc && i < f.n; i++, r->sum->forgotten++)
		rc = store_contact_forget(r->store, f.id[i], r->now, hash, r->e);
	if (!rc && f.n)
		rc = store_commit_now(r->store, r->e);
	if (store_in_transaction(r->store))
		store_rollback(r->store);
	if (!rc && f.n)
		rc = store_scrub(r->store, r->e);
	free(f.id);
	return rc;
}

/* ---- then: each line ---- */

static void flight_row(void *arg, const struct touch *t)
{
	struct replay *r = arg;

	r->flight = mem_grow(r->flight, r->flight_n + 1, sizeof(*r->flight));
	r->flight[r->flight_n++] = (struct flight){ t->id, t->enrollment_id };
}

static int commit(struct replay *r)
{
	r->in_transaction = 0;
	return store_commit_now(r->store, r->e);
}

static int line_do(struct replay *r, const struct line *l)
{
	struct buf detail = { 0 };
	struct event ev = { .ts = l->ts, .type = l->type, .account = l->account, .sequence = l->sequence, .step = l->step, .kind = l->kind,
			    .touch_id = l->touch };
	int64_t seq = 0;
	int rc = replay_effect(r, l, &ev.contact_id);

	if (rc)
		return err_wrap(r->e, "seq %lld", (long long)l->seq);
	detail_add(l, &detail);
	ev.detail = buf_text(&detail);
	ev.address = ev.contact_id ? "" : l->contact;
	rc = store_event_add(r->store, &ev, &seq, r->e);
	buf_free(&detail);
	if (!rc && seq != l->seq)
		rc = err_set(r->e, "seq %lld would become %lld", (long long)l->seq, (long long)seq);
	return rc;
}

static int second_row(void *arg, const struct journal_line *in)
{
	struct replay *r = arg;
	struct line l;
	json_t *json;
	int rc;

	if (in->seq != r->done + 1) /* done already, torn */
		return 0;
	if (!r->in_transaction && store_begin(r->store, r->e))
		return -1;
	r->in_transaction++;
	json = json_loadb(in->text, in->n, 0, NULL);
	rc = line_read(in, json, &l, r->e);
	if (!rc)
		rc = line_do(r, &l);
	json_decref(json);
	r->done = in->seq;
	r->sum->lines++;
	return !rc && r->in_transaction >= TRANSACTION_LINES ? commit(r) : rc;
}

/* And waits that rested on a touch in flight are asked about again. */
static int pause_sending(struct replay *r)
{
	struct event ev = { .ts = r->now, .type = EVENT_PAUSED, .address = "", .account = "", .sequence = "", .step = "", .kind = -1, .detail = "" };
	int64_t seq;

	bool paused = *store_setting(r->store, "paused") != '\0';

	if (store_begin(r->store, r->e))
		return -1;
	if (store_wake_flight(r->store, 0, 0, r->now, r->e) < 0 ||
	    (!paused && (store_setting_put(r->store, "paused", "manual", r->e) || store_event_add(r->store, &ev, &seq, r->e)))) {
		store_rollback(r->store);
		return -1;
	}
	return commit(r);
}

static int follow(struct replay *r, const char *path, int64_t last)
{
	struct buf left = { 0 };
	int rc = journal_read(path, first_row, r, &left, r->e);

	if (!rc && r->done > last) {
		r->sum->to = r->done;
		r->sum->ends_at = r->now;
		r->done = last;
		rc = store_touches_in(r->store, TOUCH_RESERVED, flight_row, r, r->e) < 0 ||
		     store_touches_in(r->store, TOUCH_HANDED, flight_row, r, r->e) < 0 || forget_again(r)
			 ? -1
			 : journal_read(path, second_row, r, &left, r->e);
		if (!rc && r->in_transaction)
			rc = commit(r);
		if (store_in_transaction(r->store))
			store_rollback(r->store);
	}
	if (!rc)
		rc = pause_sending(r);
	buf_free(&left);
	return rc ? -1 : 0;
}

int replay_log(struct store *s, const struct plan *plan, const char *log_path, struct replay_sum *out, struct err *e)
{
	int64_t last = store_event_last(s);
	struct replay r = { .store = s, .plan = plan, .sum = out, .done = last, .now = store_newest(s), .e = e };
	int rc;

	*out = (struct replay_sum){ .from = last + 1 };
	rc = follow(&r, log_path, last);
	for (size_t i = 0; i < r.hash_n; i++)
		free(r.hash[i]);
	free(r.hash);
	free(r.flight);
	return rc;
}
