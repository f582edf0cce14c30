/* Whose message is it? Only what we could have made proves anything: tokens in addresses that we gave out, and our Message-IDs, which are
 * tokens. The From address is what anybody can write, so it is the last resort, and only where being wrong does no harm. Policy:
 *
 * - Bounces, notices and complaints need a token or a Message-ID of ours. A report that merely stands in a thread of ours (In-Reply-To,
 *   References) is believed when it speaks of the touch's own address: else it is about mail that somebody wrote by hand. Complaints are
 *   not believed for their thread at all.
 * - A person may answer from any address: their thread is enough, and their From as well. So is an unsubscription.
 * - A letter that is older than store.keep_events is history: what comes back for it says nothing about today, but for what a person asks.
 *   A message that is itself that old (a mailbox that is read again from its beginning) has no effect at all.
 *   But a Date from before the letter that is answered is a wrong clock, no age.
 * - What stands in a mailbox from before the person was a contact answers nothing, unless it is in a thread of ours.
 * - A token of ours that is none (forged, or of another store) is no proof, and no reason to shut out what else the message carries. */
#include <string.h>
#include <strings.h>

#include "abv/mailaddr.h"
#include "abv/token.h"
#include "inbox_int.h"

#define SUBJECT_WORDS 20
#define REFERENCES_LOOKED 20
#define SLACK CLOCK_DAY /* clocks of senders are wrong by hours */

struct matching {
	struct store *s;
	const struct config *config;
	const struct mail *m;
	const struct classified *k;
	int64_t now, written;
	struct match *out;
	struct err *e;
};

/* ---- tokens ---- */

/* The shape of a token (abv/token.h), whoever made it. */
static bool looks_like_token(const char *s, size_t n)
{
	const char *dash = memchr(s, '-', n);
	if (dash == NULL || dash == s || dash - s > 13 || n - (size_t)(dash - s) != 17)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
		bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
		if (s + i < dash ? !letter && !digit : s + i > dash && !letter && !(c >= '2' && c <= '7'))
			return false;
	}
	return true;
}

static bool is_ours(const struct matching *g, const char *domain)
{
	const struct config_sender *f = &g->config->sender;
	const char *const addr[] = { f->from_addr, f->return_path, f->reply_to };
	for (size_t i = 0; i < sizeof addr / sizeof addr[0]; i++)
		if (*domain != '\0' && strcasecmp(mailaddr_domain(addr[i]), domain) == 0)
			return true;
	return false;
}

/* What is seen first is told: it is the best candidate. */
static void refuse(struct matching *g, const char *why)
{
	if (*g->out->refused == '\0')
		g->out->refused = why;
}

/* Reports and absences speak of the delivery or of a day; a person's word holds, however old the letter was. */
static bool goes_stale(enum mail_class c)
{
	return c != CLASS_REPLY && c != CLASS_UNSUBSCRIBE && c != CLASS_COMPLAINT;
}

static bool needs_proof(enum mail_class c)
{
	return c == CLASS_BOUNCE || c == CLASS_NOTICE || c == CLASS_COMPLAINT;
}

/* Is the message history itself? */
static bool is_history(const struct matching *g)
{
	return g->written != 0 && g->written < g->now - g->config->keep_events;
}

/* Is it too late for the message to say anything of the letter? */
static bool is_past(const struct matching *g, const struct touch *t, enum token_kind kind)
{
	if (is_history(g) && g->written + SLACK >= t->at)
		return true;
	return kind != TOKEN_UNSUBSCRIBE && goes_stale(g->k->class) && t->at < g->now - g->config->keep_events;
}

/* 1: it is a touch of ours and stands as the match, 0: go on, -1. */
static int touch_found(struct matching *g, int64_t id, enum token_kind kind, const char *how)
{
	struct touch *t = NULL;
	struct contact *c = NULL;
	int rc = id > 0 ? store_touch(g->s, id, &t, g->e) : 0; /* a test message's token carries 0 */
	if (rc > 0)
		rc = store_contact_by_id(g->s, t->contact_id, &c, g->e);
	if (rc == 0) {
		refuse(g, "unknown touch");
	} else if (rc > 0 && is_past(g, t, kind)) {
		refuse(g, "stale");
		rc = 0;
	} else if (rc > 0) {
		g->out->touch_id = t->id;
		g->out->contact_id = c->id;
		g->out->how = how;
		g->out->unsubscribe = kind == TOKEN_UNSUBSCRIBE;
		g->out->from_fits = strcmp(g->m->from, c->email) == 0;
	}
	contact_free(&c);
	touch_free(&t);
	return rc;
}

/* A token of one of these kinds. `ours`: the place is ours, so that what looks like a token there and is none was forged. */
static int token_look(struct matching *g, const char *s, size_t n, const char *kinds, bool ours, const char *how)
{
	int64_t id;
	if (!looks_like_token(s, n))
		return 0;
	for (; *kinds != '\0'; kinds++)
		if (token_read(store_key(g->s), (enum token_kind)*kinds, s, n, &id) == 0) {
			const char *name = how != NULL ? how : *kinds == TOKEN_BOUNCE ? "verp" : *kinds == TOKEN_REPLY ? "reply-token" : "unsubscribe-token";
			return touch_found(g, id, (enum token_kind)*kinds, name);
		}
	if (ours)
		refuse(g, "forged token");
	return 0;
}

static int message_id_look(struct matching *g, const char *id, const char *how)
{
	const char *at = strrchr(id, '@');
	return at != NULL ? token_look(g, id, (size_t)(at - id), "m", is_ours(g, at + 1), how) : 0;
}

/* ---- candidates, in order ---- */

/* bounce+TOKEN@, reply+TOKEN@, unsubscribe+TOKEN@: the kind is the token's, so that an address that was changed since goes on working. */
static int address_look(struct matching *g, const char *addr, const char *kinds)
{
	const char *at = strrchr(addr, '@'), *plus = at;
	while (plus != NULL && plus > addr && *plus != '+')
		plus--;
	if (plus == NULL || *plus != '+')
		return 0;
	return token_look(g, plus + 1, (size_t)(at - plus - 1), kinds, is_ours(g, at + 1), NULL);
}

static int recipients_look(struct matching *g)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < g->m->recipient_n; i++)
		rc = address_look(g, g->m->recipient[i], "bru");
	return rc;
}

/* "unsubscribe TOKEN": what the letter's footer asks the mail program to write. */
static int subject_look(struct matching *g)
{
	const char *s = g->m->subject;
	int rc = 0;
	for (int word = 0; rc == 0 && word < SUBJECT_WORDS && *s != '\0'; word++) {
		s += strspn(s, " \t");
		size_t n = strcspn(s, " \t");
		rc = token_look(g, s, n, "u", true, NULL);
		s += n;
	}
	return rc;
}

/* Does one of the report's recipients match the touch's contact, or does it name none? */
static bool speaks_of_contact(struct matching *g)
{
	struct contact *c = NULL;
	bool named = false, fits = false;
	if (store_contact_by_id(g->s, g->out->contact_id, &c, g->e) > 0)
		for (int i = 0; i < g->k->bounce_n; i++) {
			named |= g->k->bounce[i].recipient[0] != '\0';
			fits |= strcmp(g->k->bounce[i].recipient, c->email) == 0;
		}
	contact_free(&c);
	return fits || !named;
}

static int thread_look(struct matching *g)
{
	int rc = message_id_look(g, g->m->in_reply_to, "in-reply-to");
	size_t n = g->m->reference_n, least = n > REFERENCES_LOOKED ? n - REFERENCES_LOOKED : 0;
	for (; rc == 0 && n > least; n--) /* the newest stands last */
		rc = message_id_look(g, g->m->reference[n - 1], "references");
	if (rc > 0 && needs_proof(g->k->class) && !speaks_of_contact(g)) {
		*g->out = (struct match){ .how = "", .refused = "a report about another address" };
		rc = 0;
	}
	return rc;
}

/* The last touch of a contact who writes without a thread. One in doubt is left alone: a From proves no delivery. */
static void last_touch(void *arg, const struct touch *t)
{
	struct match *out = arg;
	if (t->state == TOUCH_ACCEPTED)
		out->touch_id = t->id;
}

static int from_look(struct matching *g)
{
	struct contact *c = NULL;
	int rc = *g->m->from != '\0' ? store_contact_by_email(g->s, g->m->from, &c, g->e) : 0;
	if (rc > 0 && g->written != 0 && g->written < c->created_at - SLACK && g->k->class != CLASS_UNSUBSCRIBE) {
		refuse(g, "older than the contact");
		rc = 0;
	} else if (rc > 0) {
		g->out->contact_id = c->id;
		g->out->how = "from";
		g->out->from_fits = true;
		if (store_touches_counted(g->s, c->id, 0, 0, 1, last_touch, g->out, g->e) != 0)
			rc = -1;
	}
	contact_free(&c);
	return rc;
}

/* A colleague who is a contact too: what they say concerns them as well. */
static int writer_look(struct matching *g)
{
	struct contact *c = NULL;
	int rc = !g->out->from_fits && *g->m->from != '\0' ? store_contact_by_email(g->s, g->m->from, &c, g->e) : 0;
	if (rc > 0)
		g->out->writer_id = c->id;
	contact_free(&c);
	return rc < 0 ? -1 : 0;
}

int match_mail(struct store *s, const struct config *config, const struct mail *m, const struct classified *k, int64_t now, int64_t written,
               struct match *out, struct err *e)
{
	struct matching g = { s, config, m, k, now, written, out, e };
	*out = (struct match){ .how = "", .refused = "" };
	int rc = recipients_look(&g);
	if (rc == 0)
		rc = message_id_look(&g, k->original_id, "message-id");
	if (rc == 0)
		rc = message_id_look(&g, k->envelope_id, "envelope-id");
	if (rc == 0)
		rc = address_look(&g, k->original_sender, "b");
	if (rc == 0 && !needs_proof(k->class))
		rc = subject_look(&g);
	if (rc == 0 && k->class != CLASS_COMPLAINT)
		rc = thread_look(&g);
	if (rc == 0 && is_history(&g))
		refuse(&g, "stale");
	else if (rc == 0 && !needs_proof(k->class))
		rc = from_look(&g);
	if (rc > 0 && !needs_proof(k->class))
		rc = writer_look(&g);
	return rc < 0 ? -1 : 0;
}
