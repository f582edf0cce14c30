/* What forbids: suppressions (for good) and holds (for a time). Both are few beside the contacts, so figures tell which
 * look-ups a send may leave out. */
#include <stdio.h>
#include <string.h>

#include "abv/mem.h"
#include "store_int.h"

enum { HOLD_CONTACT, HOLD_ACCOUNT }; /* hold.who */

/* ---- holds ---- */

static int hold_put(struct store *s, int who, int64_t id, int64_t until, const char *reason, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_HOLD_DELETE);

	if (store_change(s, e))
		return -1;
	s->version++;
	bind_int(q, 1, who);
	bind_int(q, 2, id);
	if (store_run(s, q, e))
		return -1;
	s->figure[FIGURE_HOLDS] -= store_changed(s);
	if (!until)
		return 0;
	q = store_stmt(s, SQL_HOLD_PUT);
	bind_int(q, 1, who);
	bind_int(q, 2, id);
	bind_int(q, 3, until);
	bind_text(q, 4, reason);
	if (store_run(s, q, e))
		return -1;
	s->figure[FIGURE_HOLDS]++;
	return 0;
}

static int hold_get(struct store *s, int who, int64_t id, int64_t *until, char reason[64], struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	*until = 0;
	if (reason)
		*reason = '\0';
	if (!s->figure[FIGURE_HOLDS] || !id)
		return 0;
	q = store_stmt(s, SQL_HOLD);
	bind_int(q, 1, who);
	bind_int(q, 2, id);
	rc = store_step(s, q, e);
	if (rc <= 0)
		return rc;
	*until = col_int(q, 0);
	if (reason)
		snprintf(reason, 64, "%s", col_text(q, 1));
	sqlite3_reset(q);
	return 0;
}

int store_contact_hold(struct store *s, int64_t contact_id, int64_t until, const char *reason, struct err *e)
{
	return hold_put(s, HOLD_CONTACT, contact_id, until, reason, e);
}

int store_account_hold(struct store *s, int64_t account_id, int64_t until, const char *reason, struct err *e)
{
	return hold_put(s, HOLD_ACCOUNT, account_id, until, reason, e);
}

int store_contact_hold_get(struct store *s, int64_t contact_id, int64_t *until, char reason[64], struct err *e)
{
	return hold_get(s, HOLD_CONTACT, contact_id, until, reason, e);
}

int store_account_hold_get(struct store *s, int64_t account_id, int64_t *until, char reason[64], struct err *e)
{
	return hold_get(s, HOLD_ACCOUNT, account_id, until, reason, e);
}

/* ---- suppressions ---- */

void store_hash(const struct store *s, const char *email, char out[64])
{
	char hex[DIGEST_HEX];

	digest_keyed_hex(&s->key, email, strlen(email), hex);
	snprintf(out, 64, "hash:%s", hex);
}

static enum figure target_figure(const char *target)
{
	if (*target == '@')
		return FIGURE_SUPPRESSED_DOMAINS;
	return strncmp(target, "hash:", 5) != 0 ? FIGURE_SUPPRESSED_ADDRESSES : FIGURE_SUPPRESSED_HASHES;
}

int store_suppress(struct store *s, const char *target, enum reason why, const char *note, int64_t now, struct err *e)
{
	int64_t reason;
	sqlite3_stmt *q;

	if (store_change(s, e))
		return -1;
	reason = store_reason_id(s, why, e);
	if (reason <= 0)
		return reason ? -1 : err_set(e, "store: a suppression needs a reason");
	q = store_stmt(s, SQL_SUPPRESSION_PUT);
	bind_text(q, 1, target);
	bind_int(q, 2, reason);
	bind_text(q, 3, note);
	bind_int(q, 4, now);
	if (store_run(s, q, e))
		return -1;
	if (!store_changed(s))
		return 0;
	s->version++;
	s->figure[target_figure(target)]++;
	store_seen(s, now);
	return 1;
}

static int unsuppress_one(struct store *s, const char *target, struct err *e)
{
	sqlite3_stmt *q = store_stmt(s, SQL_SUPPRESSION_DELETE);

	bind_text(q, 1, target);
	if (store_run(s, q, e))
		return -1;
	s->version++;
	s->figure[target_figure(target)] -= store_changed(s);
	return store_changed(s);
}

int store_unsuppress(struct store *s, const char *target, struct err *e)
{
	char hash[64];
	int plain, hashed = 0;

	if (store_change(s, e))
		return -1;
	plain = unsuppress_one(s, target, e);
	if (plain >= 0 && s->figure[FIGURE_SUPPRESSED_HASHES] && target_figure(target) == FIGURE_SUPPRESSED_ADDRESSES) {
		store_hash(s, target, hash);
		hashed = unsuppress_one(s, hash, e);
	}
	return plain < 0 || hashed < 0 ? -1 : plain + hashed > 0;
}

/* 1 and the reason, 0, -1. */
static int suppression_get(struct store *s, const char *target, enum reason *why, struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	if (!s->figure[target_figure(target)])
		return 0;
	q = store_stmt(s, SQL_SUPPRESSION);
	bind_text(q, 1, target);
	rc = store_step(s, q, e);
	if (rc > 0) {
		*why = store_reason_of(s, col_int(q, 0));
		/* a reason that this version has no name for: still a no */
		*why = *why == REASON_COUNT || *why == REASON_NONE ? REASON_SUPPRESSED : *why;
		sqlite3_reset(q);
	}
	return rc;
}

static int suppressed(struct store *s, const char *email, enum reason *why, struct err *e)
{
	const char *at = strrchr(email, '@');
	char hash[64];
	int rc;

	*why = REASON_NONE;
	rc = suppression_get(s, email, why, e);
	if (!rc && at)
		rc = suppression_get(s, at, why, e);
	if (!rc && s->figure[FIGURE_SUPPRESSED_HASHES] && at) {
		store_hash(s, email, hash);
		rc = suppression_get(s, hash, why, e);
	}
	return rc < 0 ? -1 : 0;
}

enum reason store_suppressed(struct store *s, const char *email)
{
	enum reason why;

	/* When it cannot be read, it must not be taken for a yes. */
	return suppressed(s, email, &why, NULL) ? REASON_SUPPRESSED : why;
}

char *store_suppressed_note(struct store *s, const char *email)
{
	const char *target[] = { email, strrchr(email, '@') };
	char *note = NULL;

	for (size_t i = 0; i < 2 && !note && target[i]; i++) {
		sqlite3_stmt *q = store_stmt(s, SQL_SUPPRESSION);

		bind_text(q, 1, target[i]);
		if (store_step(s, q, NULL) > 0) {
			note = mem_strdup(col_text(q, 1));
			sqlite3_reset(q);
		}
	}
	return note ? note : mem_strdup("");
}

int store_forgotten(struct store *s, const char *email, struct err *e)
{
	enum reason why = REASON_NONE;
	char hash[64];
	int rc;

	if (!s->figure[FIGURE_SUPPRESSED_HASHES])
		return 0;
	store_hash(s, email, hash);
	rc = suppression_get(s, hash, &why, e);
	return rc > 0 ? why == REASON_ERASED : rc;
}

int store_standing(struct store *s, const struct contact *c, struct standing *out, struct err *e)
{
	*out = (struct standing){ .suppressed = REASON_NONE };
	if (suppressed(s, c->email, &out->suppressed, e) ||
	    hold_get(s, HOLD_CONTACT, c->id, &out->contact_hold, NULL, e) ||
	    hold_get(s, HOLD_ACCOUNT, c->account_id, &out->account_hold, NULL, e))
		return -1;
	return 0;
}
