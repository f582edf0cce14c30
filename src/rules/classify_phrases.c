/* What refusals say, from the texts of the mail systems and of the providers. The first group with a phrase that is
 * there decides: those about a full mailbox, spam and blocked senders stand before those about unknown users, because
 * the former often name the address too ("user unknown" never comes with a remark about spam, "rejected as spam" does
 * with one about the user).
 */
#include <string.h>

#include "classify_int.h"

/* clang-format off */
static const char *const mailbox_full[] = {
	"mailbox is full", "mailbox full", "mailbox has exceeded", "mailbox size limit", "mailbox would exceed",
	"mailbox exceeds", "over quota", "overquota", "over-quota", "over the quota", "over its quota",
	"over the maximum allowed quota", "over the allowed quota", "quota exceeded", "quota exceded",
	"quota has been exceeded", "quota is exceeded", "quota full", "quota violation", "exceeded quota",
	"exceeded storage", "exceeded email quota", "exceeded his quota", "exceeded their quota",
	"exceeded the quota", "exceeds quota", "exceed quota", "exceeds disk quota", "exceeds mailbox quota",
	"disk quota", "storage quota", "mail quota", "quotaexceeded", "out of storage space", "out of space",
	"not enough storage", "not enough space", "no space left", "insufficient storage", "insufficient disk",
	"insufficient system storage", "inbox is full", "account is full", "account is over", "user is over",
	"mail box is full", "mailfolder is full", "mail folder is full", "maildir over",
	"maildir delivery failed: domain disk quota", "recipient storage full", "recipient's mailbox exceeds",
	"recipient reached disk", "recipient rejected: mailbox would", "exceeded the local limit", "mailbox limit",
	"too many messages in", "too much mail data", "has too many messages", "user's mailbox is currently full",
	"boite aux lettres pleine", "boîte aux lettres pleine", "boîte aux lettres du destinataire est pleine",
	"boîte aux lettres est pleine", "postfach ist voll", "mailbox ist voll",
	"postfach des empfängers ist voll", "buzón lleno", "buzón está lleno", "casella piena",
	"casella di posta piena", "caixa postal cheia", "caixa de correio cheia", "mailbox vol",
	"邮箱已满", "邮箱空间不足"
};

static const char *const name_service[] = { "host not found, try again", "unexpected name server reply" };

static const char *const too_large[] = {
	"message too large", "message too big", "message is too large", "message is too big",
	"message size exceeds", "message size limit", "message length exceeds", "message exceeds",
	"message exceeded", "exceeds size limit", "exceeds maximum message size", "exceeds fixed maximum",
	"exceeds max message size", "exceeds the maximum", "exceeded maximum inbound message size",
	"larger than the current system limit", "message larger than", "message file too big",
	"maximum message size exceeded", "max message size exceeded", "line limit exceeded", "size limit exceeded",
	"size of the message exceeds"
};
/* clang-format on */

static const char *const virus[] = { "virus", "malware", "infected" };

/* clang-format off */
static const char *const rate[] = {
	"receiving mail at a rate", "receiving mail too quickly", "too many connections", "too many concurrent",
	"too many recipients", "too many messages", "too many emails", "rate limit", "rate limited",
	"daily relay quota", "exceeded the maximum number", "sending limit", "connection frequency limited",
	"throttled"
};
/* clang-format on */

static const char *const policy[] = { "google groups", "greylist", "graylist", "grey list" };

static const char *const user_unknown[] = { "account or domain may not exist" };

/* clang-format off */
static const char *const blocked[] = {
	"spamhaus", "spamcop", "barracudacentral", "sorbs.net", "uceprotect", "blacklist", "black list",
	"blocklist", "block list", "dnsbl", " rbl", "reverse dns", "ptr record", "poor reputation",
	"low reputation", "bad reputation", "ip address has been blocked", "your ip", "blocked using",
	"blocked by", "has been blocked", "client host rejected", "client host blocked",
	"connection refused by policy", "banned sending ip", "not allowed to connect", "sender ip"
};

static const char *const auth[] = {
	"spf ", "dkim", "dmarc", "unauthenticated email", "authentication checks failed"
};

static const char *const spam[] = {
	"looks like spam", "considered spam", "considered as spam", "rejected as spam", "classified as spam",
	"identified as spam", "detected as spam", "suspected spam", "suspected as spam", "likely unsolicited",
	"unsolicited mail", "unsolicited bulk", "unsolicited email", "appears to be unsolicited", "spam content",
	"spam detected", "spam message", "spam filter", "spam score", "spam mail", "spam rejected", "- spam",
	"is spam", "as spam", "antispam", "anti-spam", "(spam", " spam "
};

static const char *const rejected[] = {
	"sender address rejected", "sender rejected", "sender denied", "sender verify failed", "sender domain",
	"unrouteable mail sender", "domain of sender address", "sender address", "you are not allowed to send"
};

static const char *const content[] = {
	"message content rejected", "content rejected", "attachment type", "attachments are not",
	"attachment is not allowed"
};
/* clang-format on */

static const char *const host_unknown[] = { "name service error for" };

static const char *const content_2[] = { "malformed", "rfc 5322", "rfc5322", "rfc 2822" };

/* clang-format off */
static const char *const relaying[] = {
	"relay access denied", "relaying denied", "relay denied", "relaying not allowed", "relay not permitted",
	"not permitted to relay", "unable to relay", "relaying mail to", "relaying to", "we do not relay",
	"that domain isn't in my list of allowed rcpthosts", "that domain isn't in my list", "no relaying",
	"not a gateway", "no relay"
};

static const char *const loop[] = {
	"too many hops", "too many received", "hop count exceeded", "maximum hop count", "mail loop",
	"mail is looping", "loops back to", "looping", "routing loop", "loop detected"
};

static const char *const no_mail[] = {
	"null mx", "nullmx", "does not accept mail", "does not accept email", "domain does not receive mail"
};

static const char *const disabled[] = {
	"mailbox disabled", "mailbox is disabled", "mailbox temporarily disabled", "account disabled",
	"account is disabled", "account has been disabled", "account that you tried to reach is disabled",
	"user disabled", "user is disabled", "recipient disabled", "recipient is disabled", "disabled recipient",
	"disabled user", "disabled or discontinued", "account deactivated", "account has been deactivated",
	"mailbox deactivated", "user deactivated", "account is deactivated", "account inactive",
	"account is inactive", "inactive account", "inactive user", "inactive recipient", "user is inactive",
	"mailbox inactive", "mailbox is inactive", "is inactive on this domain", "user account is expired",
	"account expired", "account has expired", "account suspended", "account is suspended",
	"account has been suspended", "user suspended", "user is suspended", "mailbox suspended",
	"recipient suspended", "suspended", "account is locked", "account locked", "account closed",
	"account has been closed", "account is not active", "account not active", "account is no longer active",
	"no longer on server", "user not active", "not currently accepting mail", "mailbox currently suspended",
	"mailbox is frozen", "is blocked from receiving", "is a deactivated mailbox", "terminated"
};

static const char *const moved[] = {
	"has moved", "user has left", "no longer with", "no longer works", "address has changed",
	"has a new address", "new email address", "please forward to", "user not local; please try",
	"has been replaced by"
};

static const char *const user_unknown_2[] = {
	"user unknown", "unknown user", "user is unknown", "user not known", "user not found", "username unknown",
	"user name is unknown", "user doesn't exist", "user does not exist", "user doesn't have a",
	"user does not have a", "user hasn't entry", "user not exist", "user invalid", "user is not found",
	"user no longer", "user not listed", "user is not a registered", "not a registered gateway user",
	"not a registered user", "no such user", "no such local user", "no such virtual user", "no such person",
	"no such mailbox", "no such account", "no such address", "no such email", "no such recipient",
	"no such name", "no such addressee", "no user", "no mailbox", "no mail box", "no account by that name",
	"no account", "no recipient", "no valid recipient", "no matches to name", "not a valid user",
	"not a valid mailbox", "not a valid recipient", "not a valid address", "not valid user",
	"not a known user", "is not known", "not known here", "not our customer", "is not our user",
	"not listed in", "is not listed", "not local user", "non-existent user", "nonexistent user",
	"non existent", "unknown recipient", "unknown address", "unknown local", "unknown mailbox",
	"unknown email", "unknown account", "unknown or illegal", "unknown virtual mailbox", "unknown in virtual",
	"unknown in local", "recipient unknown", "recipient is unknown", "recipient not found",
	"recipient notfound", "recipientnotfound", "recipnotfound", "recipient does not exist",
	"recipient doesn't exist", "recipient not exist", "recipient invalid", "recipient name is not recognized",
	"recipient no longer", "recipient not valid", "invalid recipient", "invalid mailbox", "invalid address",
	"invalid user", "invalid final delivery", "illegal user", "illegal alias", "bad address", "bad recipient",
	"bad destination mailbox", "address unknown", "address is unknown", "address not found", "address invalid",
	"address is invalid", "address does not exist", "address doesn't exist", "address no longer",
	"address couldn't be found", "address could not be found", "address wasn't found", "address is not valid",
	"address error", "email address is no longer", "e-mail address you entered couldn't",
	"e-mail account does not exist", "email account that you tried to reach does not exist",
	"account that you tried to reach does not exist", "does not exist at", "mailbox unavailable",
	"mailbox not found", "mailbox not available", "mailbox does not exist", "mailbox doesn't exist",
	"mailbox unknown", "mailbox invalid", "mailbox is unavailable", "mailbox no longer", "account not found",
	"account does not exist", "account doesn't exist", "account is unknown", "account unknown",
	"account is unavailable", "account unavailable", "account not available", "account is not available",
	"account no longer exists", "this account is not", "this user doesn't", "name is not recognized",
	"name not recognized", "not listed in domino", "not listed in public", "not in my database",
	"undeliverable address", "unrouteable address", "unroutable address", "cannot find your account",
	"can't find user", "couldn't find any such user", "there is no one at this address", "there is no such",
	"we don't handle mail for that", "delivery to address unavailable", "dd this user",
	"doesn't have an account", "vdeliver: invalid or unknown", "unknown, invalid or", "delivery error: dd",
	"adresse d au moins un destinataire invalide", "utilisateur inconnu", "destinataire inconnu",
	"adresse inconnue", "n'existe pas", "empfänger unbekannt", "empfaenger unbekannt", "benutzer unbekannt",
	"unbekannter benutzer", "usuario desconocido", "destinatario desconocido", "usuario no existe",
	"cuenta no existe", "dirección no existe", "utente sconosciuto", "destinatario sconosciuto",
	"utente inesistente", "onbekende gebruiker", "gebruiker onbekend", "usuário desconhecido",
	"usuario desconhecido", "usuário inexistente", "usuario inexistente", "destinatário inexistente",
	"conta inexistente", "não existe", "nie ma takiego", "konto nie istnieje", "nieznany", "неизвестн",
	"check if address is correct"
};

static const char *const host_unknown_2[] = {
	"domain is not reachable", "dns lookup failure", "host unknown", "unknown host", "host not found",
	"host or domain name not found", "domain not found", "domain does not exist", "domain doesn't exist",
	"domain name not found", "domain is not exist", "domain must exist", "unknown domain", "domain unknown",
	"invalid domain", "no such domain", "no such host", "non-existent domain", "nonexistent domain",
	"nxdomain", "couldn't find any host", "couldn't find a mail exchanger", "cannot find a mail exchanger",
	"cannot find host", "can't find host", "no mail exchanger", "no mx", "has no mx", "unable to resolve",
	"unable to look up", "cannot resolve", "all relevant mx records point to non-existent hosts",
	"name service error for", "host name lookup failure", "retrieving the mx", "domain of the recipient",
	"destination server not found", "illegal host/domain name", "name or service not known"
};
/* clang-format on */

static const char *const user_unknown_3[] = { "does not exist", "不存在", "存在しません" };

/* clang-format off */
static const char *const expired[] = {
	"message expired", "delivery time expired", "delivery expired", "could not be delivered for more than",
	"been in the queue too long", "in the queue for too long", "queue too long", "retry timeout exceeded",
	"retry time not reached", "retry timeout", "maximum retry", "giving up",
	"all hosts have been failing for a long time", "could not send message for past", "delivery timed out",
	"unable to deliver in", "has been in the queue", "undeliverable for", "retries exhausted"
};

static const char *const network[] = {
	"timed out while", "connection timed out", "operation timed out", "connection refused", "connection reset",
	"connection lost", "connection closed", "connection dropped", "lost connection", "no route to host",
	"network is unreachable", "network unreachable", "host is unreachable", "host unreachable",
	"unable to connect", "cannot connect", "could not connect", "not accept our requests to connect",
	"wasn't able to establish an smtp connection", "socket error", "timeout"
};
/* clang-format on */

static const char *const rejected_2[] = { "access denied" };

/* clang-format off */
static const char *const policy_2[] = {
	"administrative prohibition", "policy", "not authorized", "not permitted", "not allowed",
	"permission to post", "authentication required", "protected by", "prohibited", "delivery restricted",
	"domain filter"
};
/* clang-format on */

static const char *const rejected_3[] = { "rejected by", "was rejected", "refused" };

/* clang-format off */
static const char *const system[] = {
	"unable to write", "service unavailable", "system error", "internal error", "local configuration error",
	"local error", "mailer error", "can't create", "cannot create", "permission denied", "pipe to",
	"command died", "resources temporarily unavailable"
};
/* clang-format on */

#define GROUP(reason, list)                                                                                            \
	{                                                                                                              \
		reason, list, sizeof(list) / sizeof(list)[0]                                                           \
	}

static const struct {
	const char *reason;
	const char *const *phrase;
	size_t n;
} groups[] = {
	GROUP("mailbox_full", mailbox_full),
	GROUP("network", name_service),
	GROUP("too_large", too_large),
	GROUP("virus", virus),
	GROUP("rate", rate),
	GROUP("policy", policy),
	GROUP("user_unknown", user_unknown),
	GROUP("blocked", blocked),
	GROUP("auth", auth),
	GROUP("spam", spam),
	GROUP("rejected", rejected),
	GROUP("content", content),
	GROUP("host_unknown", host_unknown),
	GROUP("content", content_2),
	GROUP("relaying", relaying),
	GROUP("loop", loop),
	GROUP("no_mail", no_mail),
	GROUP("disabled", disabled),
	GROUP("moved", moved),
	GROUP("user_unknown", user_unknown_2),
	GROUP("host_unknown", host_unknown_2),
	GROUP("user_unknown", user_unknown_3),
	GROUP("expired", expired),
	GROUP("network", network),
	GROUP("rejected", rejected_2),
	GROUP("policy", policy_2),
	GROUP("rejected", rejected_3),
	GROUP("system", system),
};

/* Codes for reasons, and the reasons of codes that say enough: the first row of a reason is its code. */
static const struct reason_phrase codes[] = {
	{ "5.1.1", "user_unknown" }, { "5.1.3", "user_unknown" }, { "5.1.2", "host_unknown" },
	{ "5.4.4", "host_unknown" }, { "5.1.6", "moved" },        { "5.1.10", "no_mail" },
	{ "5.2.1", "disabled" },     { "5.2.2", "mailbox_full" }, { "4.2.2", "mailbox_full" },
	{ "5.3.4", "too_large" },    { "5.2.3", "too_large" },    { "4.4.7", "expired" },
	{ "5.4.7", "expired" },      { "4.4.1", "network" },      { "4.4.2", "network" },
	{ "5.4.6", "loop" },         { "5.7.1", "policy" },       { "5.7.0", "policy" },
	{ "5.7.26", "auth" },        { "5.7.23", "auth" },        { "5.7.25", "blocked" },
	{ "5.1.8", "rejected" },     { "5.1.7", "rejected" },     { "5.3.2", "system" },
	{ "5.7.13", "disabled" },    { "5.7.509", "auth" },       { "5.6.0", "content" },
	{ "5.3.0", "system" },
};

const char *phrase_reason(const char *folded, size_t n)
{
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
		for (size_t k = 0; k < groups[i].n; k++)
			if (text_find(folded, n, groups[i].phrase[k]))
				return groups[i].reason;
	return NULL;
}

const char *reason_status(const char *reason)
{
	/* clang-format off */
	static const char *const has_code[] = {
		"user_unknown", "host_unknown", "moved", "no_mail", "disabled", "mailbox_full", "too_large",
		"expired", "network", "loop"
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof has_code / sizeof has_code[0]; i++)
		for (size_t k = 0; !strcmp(reason, has_code[i]) && k < sizeof codes / sizeof codes[0]; k++)
			if (!strcmp(codes[k].reason, reason))
				return codes[k].phrase;
	return "";
}

const char *status_reason(const char *status)
{
	for (size_t k = 0; k < sizeof codes / sizeof codes[0]; k++)
		if (!strcmp(codes[k].phrase, status))
			return codes[k].reason;
	return NULL;
}
