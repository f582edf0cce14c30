/* What is left: people's mail, and what only looks like it. The error that hurts is a person's answer taken for
 * nobody's (the sequence goes on, which is pushy); a newsletter taken for an answer only stops one that nobody matches.
 * So `other` needs proof, and headers of mailing lists are none: 97 % of the list mail that people write has them. */
#include <string.h>
#include <strings.h>

#include "abv/buf.h"
#include "abv/reply_text.h"
#include "classify_int.h"

/* ---- unsubscribe ---- */

/* "unsubscribe+TOKEN@", "unsub-TOKEN@": the mailto of List-Unsubscribe. */
static bool recipient_unsubscribes(const struct mail *m)
{
	/* clang-format off */
	static const char *const local[] = {
		"unsubscribe", "unsub+", "unsub-", "unsub@", "list-unsubscribe", "optout", "opt-out", "leave-"
	};
	/* clang-format on */

	for (size_t i = 0; i < m->recipient_n; i++)
		for (size_t k = 0; k < sizeof local / sizeof local[0]; k++)
			if (text_begins(m->recipient[i], local[k]))
				return true;
	return false;
}

static size_t words_in(const char *s)
{
	size_t n = 0;

	for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
		n++;
		s += strcspn(s, " ");
	}
	return n;
}

const char *subject_bare(const struct view *v)
{
	const char *s = v->subject, *end;

	while (*s == '[' && (end = strchr(s, ']')) != NULL)
		s = end + 1 + strspn(end + 1, " ");
	return s;
}

/* The subject that our own mailto gives, or a person's who writes nothing else. */
static bool subject_unsubscribes(const struct view *v)
{
	/* clang-format off */
	static const char *const word[] = {
		"unsubscribe", "unsuscribe", "unsubscibe", "remove me", "please unsubscribe",
		"please remove me", "opt out", "opt-out", "abmelden", "abmeldung", "désinscription",
		"desinscription", "désabonnement", "baja", "darme de baja", "cancelar suscripción", "disiscrivi",
		"disiscrizione", "cancellazione", "afmelden", "uitschrijven", "cancelar inscrição", "descadastrar",
		"remover"
	};
	/* clang-format on */

	const char *subject = subject_bare(v);

	for (size_t i = 0; i < sizeof word / sizeof word[0]; i++)
		if (text_begins(subject, word[i]) && words_in(subject) <= 4 && !strchr(subject, '?'))
			return true;
	return false;
}

static bool text_unsubscribes(const struct mail *m)
{
	struct buf own = { 0 };
	bool asks;

	reply_text_mail(m, &own);
	asks = reply_text_unsubscribes(buf_text(&own), own.len);
	buf_free(&own);
	return asks;
}

/* Mail programs send it for their users (Apple's says so, and that it is automatic): no absence note. */
bool is_unsubscribe(const struct view *v, const char **by)
{
	*by = "unsubscribe-address";
	if (recipient_unsubscribes(v->m))
		return true;
	*by = "x-apple-unsubscribe";
	if (mail_get(v->m, "x-apple-unsubscribe"))
		return true;
	*by = "unsubscribe-subject";
	return subject_unsubscribes(v);
}

bool is_unsubscribe_text(const struct view *v, const char **by)
{
	*by = "unsubscribe-text";
	return text_unsubscribes(v->m);
}

/* ---- other ---- */

bool is_like_bounce(const struct view *v)
{
	/* clang-format off */
	static const char *const subject[] = {
		"undeliver", "returned mail", "returned to sender", "delivery status notif", "delivery failure",
		"failure notice", "failure delivery", "mail delivery failed", "delivery failed",
		"mail delivery fail", "delivery notification", "message delivery failure", "mail delivery problem",
		"non delivery", "non-delivery", "nondeliverable", "could not be delivered",
		"couldn't be delivered", "unable to deliver", "delivery has failed", "delivery report",
		"delivery error", "mail system error", "returned email", "returned e-mail", "message undeliver",
		"mail could not be", "bounce", "unzustellbar", "nicht zugestellt", "unzustellbare", "non remis",
		"non distribu", "échec de la remise", "échec de remise", "no se puede entregar",
		"no se ha podido entregar", "no entregado", "correo devuelto", "devuelto", "mancato recapito",
		"mancata consegna", "non recapitabile", "onbestelbaar", "niet afgeleverd", "não entreg",
		"nao entreg", "não foi possível entregar", "falha na entrega", "devolvid", "mail failure",
		"mail error", "message status - undeliverable", "delayed mail", "warning: could not send",
		"warning: message", "there was an error sending your mail", "rejected mail", "delivery delay",
		"message not delivered", "mail not delivered", "niedostarcz", "nie dostarcz", "failed mail",
		"mail rejected", "delivery unsuccessful", "не доставлен", "недостав", "退信"
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof subject / sizeof subject[0]; i++)
		if (strstr(v->subject, subject[i]))
			return true;
	return false;
}

static bool from_begins(const struct mail *m, const char *const *local, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (text_begins(m->from, local[i]))
			return true;
	return false;
}

/* Nobody reads what is sent there, so nobody writes from there. */
static bool from_nobody(const struct mail *m)
{
	/* clang-format off */
	static const char *const local[] = {
		"no-reply", "noreply", "no_reply", "no.reply", "donotreply", "do-not-reply", "do_not_reply",
		"do.not.reply", "dontreply", "nepasrepondre", "ne-pas-repondre", "nicht-antworten", "noresponder",
		"no-responder", "notification", "notifications", "notify@", "mailer@", "auto-confirm", "autoconfirm",
		"automailer", "nobody@", "bounces@"
	};
	/* clang-format on */

	return from_begins(m, local, sizeof local / sizeof local[0]) || strstr(m->from, "-noreply@") ||
	       strstr(m->from, ".noreply@") || strstr(m->from, "-no-reply@") || strstr(m->from, "+noreply@");
}

/* A team behind an address sends mailings and reads what comes: only its answers are a person's. */
static bool from_team(const struct mail *m)
{
	/* clang-format off */
	static const char *const local[] = {
		"newsletter", "newsletters", "alerts@", "alert@", "news@", "mailings@", "marketing@", "promo@",
		"updates@"
	};
	/* clang-format on */

	return from_begins(m, local, sizeof local / sizeof local[0]);
}

bool is_answer(const struct view *v)
{
	/* clang-format off */
	static const char *const prefix[] = {
		"re:", "re ", "aw:", "sv:", "vs:", "antw:", "r:", "rif:", "res:", "ref:", "rv:", "re["
	};
	/* clang-format on */

	if (*v->m->in_reply_to != '\0' || v->m->reference_n > 0)
		return true;
	for (size_t i = 0; i < sizeof prefix / sizeof prefix[0]; i++)
		if (text_begins(v->subject, prefix[i]))
			return true;
	return false;
}

/* Sent to many by a machine: a way to unsubscribe without a list to write to, or a sending service's own headers. */
static bool is_mailing(const struct view *v)
{
	/* clang-format off */
	static const char *const header[] = {
		"feedback-id", "x-campaign", "x-campaignid", "x-campaign-id", "x-mailgun-tag",
		"x-mailgun-campaign-id", "x-sg-eid", "x-mc-user", "x-csa-complaints", "x-mailer-recptid",
		"x-mailchimp-campaign-id", "x-job", "x-messageid-esp", "x-rpcampaign", "x-sfmc-stack",
		"x-hs-email-id", "x-report-abuse-to", "x-ses-outgoing", "x-mandrill-user", "x-pmailer", "x-cmail",
		"list-unsubscribe-post"
	};
	/* clang-format on */
	const struct mail *m = v->m;

	if (is_answer(v))
		return false;
	for (size_t i = 0; i < sizeof header / sizeof header[0]; i++)
		if (mail_get(m, header[i]))
			return true;
	return mail_get(m, "list-unsubscribe") && !mail_get(m, "list-post");
}

static bool has_link(const struct view *v)
{
	if (view_says(v, "http://") || view_says(v, "https://") || view_says(v, "click here") ||
	    view_says(v, "log in") || view_says(v, "login"))
		return true;
	for (size_t i = 0; i < v->m->part_n; i++)
		if (!strcmp(v->m->part[i].type, "text/html") && text_contains(v->m->part[i].text, "href="))
			return true;
	return false;
}

/* The look of a mail system without its structure: phishing ("release your undelivered messages"), or a worm. */
static bool is_dressed(const struct view *v)
{
	/* clang-format off */
	static const char *const says[] = {
		"verify your account", "re-validate", "revalidate", "your mailbox", "your email account",
		"your e-mail account", "pending messages", "incoming messages", "undelivered messages",
		"messages pending", "upgrade your", "account will be", "confirm your account", "mailbox storage",
		"release message", "password"
	};
	/* clang-format on */
	bool account = false;

	if (is_answer(v))
		return false;
	for (size_t i = 0; i < sizeof says / sizeof says[0]; i++)
		account = account || view_says(v, says[i]) || strstr(v->subject, says[i]);
	return (is_like_bounce(v) || v->daemon || account) && (has_link(v) || v->daemon || v->null_path) &&
	       (is_like_bounce(v) || v->daemon);
}

bool is_other(const struct view *v, const char **by)
{
	*by = "no-reply";
	if (from_nobody(v->m) || (from_team(v->m) && !is_answer(v)))
		return true;
	*by = "mailing";
	if (is_mailing(v))
		return true;
	*by = "system";
	if (v->null_path && !is_answer(v))
		return true;
	*by = "forged-notice";
	return is_dressed(v);
}
