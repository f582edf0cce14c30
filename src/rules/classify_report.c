/* Reports in the standard form: delivery (RFC 3464, 6533), feedback (RFC 5965) and disposition (RFC 8098). The label of
 * the multipart is not trusted: the part decides, and where it lost its type (relays rewrite it, lists flatten it), a
 * text with the fields of a report in a message that a mail system sent. */
#include <string.h>
#include <strings.h>

#include "classify_int.h"

struct field {
	const char *name, *value;
	size_t name_n, value_n; /* value: still folded */
};

/* Reads the field at s, or passes over a line that is none. Returns what is behind it. */
static const char *field_next(const char *s, const char *end, struct field *f)
{
	const char *colon = s;

	*f = (struct field){ 0 };
	while (colon < end && *colon != ':' && *colon != '\n')
		colon++;
	for (;;) {
		const char *lf = memchr(s, '\n', (size_t)(end - s));

		if (f->name == NULL && colon < end && *colon == ':') {
			f->name = s;
			f->name_n = (size_t)(colon - s);
			f->value = colon + 1;
		}
		s = lf ? lf + 1 : end;
		if (s == end || !strchr(" \t", *s) || s[strspn(s, " \t")] == '\n')
			break;
	}
	while (f->name_n > 0 && strchr(" \t", f->name[f->name_n - 1]))
		f->name_n--;
	if (f->name)
		f->value_n = (size_t)(s - f->value);
	while (f->value_n > 0 && strchr(" \t", *f->value)) {
		f->value++;
		f->value_n--;
	}
	while (f->value_n > 0 && strchr(" \t\n", f->value[f->value_n - 1]))
		f->value_n--;
	return s;
}

static bool field_is(const struct field *f, const char *name)
{
	return f->name_n == strlen(name) && !strncasecmp(f->name, name, f->name_n);
}

/* ---- a recipient's group ---- */

struct group {
	struct bounce b;
	char original[256], actual[256], alias[256];
	char diagnosis[1024];
	size_t diagnosis_n;
};

/* "utf-8;us\x{e9}r@example" (RFC 6533 3): the address in the "utf-8-addr-xtext" form is undone. */
static size_t xtext_undo(char *to, size_t cap, const char *s, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n && out + 5 < cap; i++) {
		unsigned long c = 0;
		size_t k = i + 3;

		if (s[i] != '\\' || i + 3 >= n || s[i + 1] != 'x' || s[i + 2] != '{') {
			to[out++] = s[i];
			continue;
		}
		for (; k < n && k < i + 10 && strchr("0123456789abcdefABCDEF", s[k]); k++)
			c = c * 16 + (unsigned long)(s[k] <= '9' ? s[k] - '0' : (s[k] | 0x20) - 'a' + 10);
		if (k >= n || s[k] != '}' || c < 0x20 || c > 0x10ffff)
			return out;
		if (c < 0x80) {
			to[out++] = (char)c;
		} else if (c < 0x800) {
			to[out++] = (char)(0xc0 | c >> 6);
			to[out++] = (char)(0x80 | (c & 0x3f));
		} else if (c < 0x10000) {
			to[out++] = (char)(0xe0 | c >> 12);
			to[out++] = (char)(0x80 | (c >> 6 & 0x3f));
			to[out++] = (char)(0x80 | (c & 0x3f));
		} else {
			to[out++] = (char)(0xf0 | c >> 18);
			to[out++] = (char)(0x80 | (c >> 12 & 0x3f));
			to[out++] = (char)(0x80 | (c >> 6 & 0x3f));
			to[out++] = (char)(0x80 | (c & 0x3f));
		}
		i = k;
	}
	return out;
}

static bool is_nobody(const char *name)
{
	return !strcmp(name, "unknown") || !strcmp(name, "null") || !strcmp(name, "undisclosed");
}

/* A name without domain, of a local delivery. */
static void local_read(const char *s, size_t n, char out[256])
{
	while (n > 0 && strchr(" \t<", *s)) {
		s++;
		n--;
	}
	(void)fold_copy(out, 256, s, n);
	out[strcspn(out, " >(;\n")] = '\0';
	if (strpbrk(out, "/|@\\") || is_nobody(out))
		out[0] = '\0';
}

static void recipient_read(const struct field *f, char out[256])
{
	char plain[512] = "";
	const char *semicolon = memchr(f->value, ';', f->value_n), *s = semicolon ? semicolon + 1 : f->value;
	size_t n = (size_t)(f->value + f->value_n - s);

	if (*out != '\0')
		return;
	n = xtext_undo(plain, sizeof plain, s, n);
	if (!address_find(plain, n, out, NULL))
		local_read(plain, n, out);
}

static void action_read(const struct field *f, char out[16])
{
	static const struct {
		const char *said, *action;
	} row[] = { { "fail", "failed" },      { "delay", "delayed" },   { "delivered", "delivered" },
		    { "relay", "relayed" },    { "expand", "expanded" }, { "expire", "failed" },
		    { "undeliver", "failed" }, { "error", "failed" },    { "deliverable", "delivered" } };

	for (size_t i = 0; i < sizeof row / sizeof row[0] && *out == '\0'; i++)
		if (f->value_n >= strlen(row[i].said) && text_begins(f->value, row[i].said))
			text_put(out, 16, row[i].action);
}

static void diagnosis_add(struct group *g, const struct field *f)
{
	size_t room = sizeof g->diagnosis - g->diagnosis_n;

	if (room < 8)
		return;
	g->diagnosis_n += fold_copy(g->diagnosis + g->diagnosis_n, room - 1, f->value, f->value_n);
	for (size_t i = 0; i < g->diagnosis_n; i++)
		if (g->diagnosis[i] == '\n')
			g->diagnosis[i] = ' ';
	g->diagnosis[g->diagnosis_n++] = ' ';
	g->diagnosis[g->diagnosis_n] = '\0';
}

/* "5.1.1", "5.0.0 (permanent failure)", "2.1.5": successes are codes too. */
static void status_read(const struct field *f, char status[16])
{
	size_t n = 0;

	if (*status != '\0')
		return;
	while (n < f->value_n && n < 12 && (f->value[n] == '.' || (f->value[n] >= '0' && f->value[n] <= '9')))
		n++;
	if (n >= 5 && *f->value == '2')
		text_set(status, 16, f->value, n);
	else
		(void)status_find(f->value, f->value_n, status);
}

static bool group_field(struct group *g, const struct field *f)
{
	if (field_is(f, "final-recipient"))
		recipient_read(f, g->b.recipient);
	else if (field_is(f, "original-recipient"))
		recipient_read(f, g->original);
	else if (field_is(f, "x-actual-recipient"))
		recipient_read(f, g->actual);
	else if (field_is(f, "x-original-recipient"))
		recipient_read(f, g->alias);
	else if (field_is(f, "action"))
		action_read(f, g->b.action);
	else if (field_is(f, "diagnostic-code") || field_is(f, "x-display-name") || field_is(f, "x-notes") ||
		 field_is(f, "x-supplementary-info"))
		diagnosis_add(g, f);
	else if (field_is(f, "status"))
		status_read(f, g->b.status);
	else
		return false;
	return true;
}

static bool has_recipient(const struct classified *out, const char *recipient)
{
	for (int i = 0; i < out->bounce_n && *recipient != '\0'; i++)
		if (!strcmp(out->bounce[i].recipient, recipient))
			return true;
	return false;
}

static bool is_whole(const char *address)
{
	const char *at = strrchr(address, '@');

	return at && strchr(at, '.');
}

/* The final one; but an address before a local user's name or machine. */
static const char *best_recipient(const struct group *g)
{
	const char *const all[] = { g->b.recipient, g->original, g->actual, g->alias };

	for (size_t i = 0; i < 4; i++)
		if (is_whole(all[i]))
			return all[i];
	for (size_t i = 0; i < 4; i++)
		if (*all[i] != '\0')
			return all[i];
	return "";
}

static void group_end(struct group *g, struct classified *out)
{
	struct bounce *b = &g->b;
	const char *best = best_recipient(g);

	if ((*best == '\0' && *b->action == '\0' && *b->status == '\0') || out->bounce_n == BOUNCES_MAX)
		return;
	if (best != b->recipient)
		text_put(b->recipient, sizeof b->recipient, best);
	if (*b->action == '\0')
		text_put(b->action, sizeof b->action, *b->status == '2' ? "delivered" : "failed");
	if (!has_recipient(out, b->recipient)) {
		if (!strcmp(b->action, "failed") || !strcmp(b->action, "delayed"))
			bounce_judge(b, g->diagnosis, g->diagnosis_n);
		if (strcmp(b->action, "failed") != 0)
			b->permanent = false;
		out->bounce[out->bounce_n++] = *b;
	}
}

static bool starts_group(const struct group *g, const struct field *f)
{
	return (field_is(f, "final-recipient") && *g->b.recipient != '\0') ||
	       (field_is(f, "original-recipient") && *g->original != '\0');
}

/* Groups are parted by empty lines, and where those are lost by the first field of the next. */
static void report_fields(const char *s, size_t n, struct classified *out)
{
	const char *end = s + n;
	struct group g = { 0 };
	bool any = false;

	while (s < end) {
		struct field f;
		bool blank = s[strspn(s, " \t")] == '\n';

		s = field_next(s, end, &f);
		if (any &&
		    ((blank && *g.b.recipient != '\0' && *g.b.action != '\0') || (f.name && starts_group(&g, &f)))) {
			group_end(&g, out);
			g = (struct group){ 0 };
			any = false;
		}
		if (!f.name)
			continue;
		if (field_is(&f, "original-envelope-id") && *out->envelope_id == '\0')
			text_set(out->envelope_id, sizeof out->envelope_id, f.value, f.value_n);
		else if (field_is(&f, "reporting-mta") && *out->reporter == '\0')
			text_set(out->reporter, sizeof out->reporter, f.value, f.value_n);
		any |= group_field(&g, &f);
	}
	if (any)
		group_end(&g, out);
}

/* ---- delivery ---- */

static bool is_status_part(const struct mail_part *p)
{
	return !strcmp(p->type, "message/delivery-status") || !strcmp(p->type, "message/global-delivery-status");
}

static bool text_has_fields(const struct mail_part *p)
{
	const char *at;

	if (strncmp(p->type, "text/", 5) != 0 || !strcmp(p->type, "text/rfc822-headers"))
		return false;
	at = strcasestr(p->text, "\nfinal-recipient:");
	if (!at)
		at = strcasestr(p->text, "\noriginal-recipient:");
	return (at || text_begins(p->text, "final-recipient:")) &&
	       (strcasestr(p->text, "\naction:") || strcasestr(p->text, "\nstatus:"));
}

/* A local user's name, or nothing, is the address that the returned message was written to: if it is of that name. What
 * the people's part of the notice says counts where the fields say nothing, and there is one recipient. */
static void local_complete(const struct view *v, char recipient[256])
{
	char to[256];
	size_t n = strlen(recipient);

	if (strchr(recipient, '@') || !returned_recipient(v, to))
		return;
	if (n == 0 || (!strncmp(to, recipient, n) && to[n] == '@'))
		text_put(recipient, 256, to);
}

/* The people's part about one recipient: from where it is first named to where another one is. Of the only recipient it
 * is all of it. */
static const char *text_about(const struct view *v, const struct classified *out, int index, size_t *n)
{
	const char *address = out->bounce[index].recipient, *end = v->flat + v->own, *at;

	*n = v->own;
	if (out->bounce_n == 1)
		return v->flat;
	at = *address != '\0' ? text_find(v->flat, v->own, address) : NULL;
	for (int i = 0; at && i < out->bounce_n; i++) {
		const char *other = i != index && *out->bounce[i].recipient != '\0'
					? text_find(at + 1, (size_t)(end - at - 1), out->bounce[i].recipient)
					: NULL;

		if (other)
			end = other;
	}
	*n = at ? (size_t)(end - at) : 0;
	return at ? at : "";
}

static void failed_first(const struct view *v, struct classified *out)
{
	bool failed = false;

	for (int i = 0; i < out->bounce_n; i++)
		failed |= !strcmp(out->bounce[i].action, "failed");
	out->class = failed ? CLASS_BOUNCE : CLASS_NOTICE;
	if (out->bounce_n == 1)
		local_complete(v, out->bounce[0].recipient);
	for (int i = 0; i < out->bounce_n; i++) {
		struct bounce *b = &out->bounce[i];
		size_t n;
		const char *text = text_about(v, out, i, &n);

		if (!strcmp(b->action, "failed") && *b->reason == '\0')
			bounce_judge(b, text, n);
	}
	returned_find(v, out);
}

bool report_delivery(const struct view *v, struct classified *out)
{
	const struct mail *m = v->m;
	bool part = false;

	for (size_t i = 0; i < m->part_n; i++)
		if (is_status_part(&m->part[i]) && !is_inside_message(m, i)) {
			report_fields(m->part[i].text, m->part[i].text_len, out);
			part = true;
		}
	for (size_t i = 0; i < m->part_n && out->bounce_n == 0; i++)
		if (text_has_fields(&m->part[i]) && !is_inside_message(m, i) && (part || v->daemon || v->null_path))
			report_fields(m->part[i].text, m->part[i].text_len, out);
	if (out->bounce_n == 0)
		return false;
	text_put(out->by, sizeof out->by, part ? "rfc3464" : "rfc3464-text");
	failed_first(v, out);
	return true;
}

/* ---- what comes back with it ---- */

static void id_set(char *to, size_t cap, const char *s)
{
	const char *open = strchr(s, '<'), *end;

	if (open)
		s = open + 1;
	end = s + strcspn(s, open ? "> \t\n" : " \t\n");
	text_set(to, cap, s, (size_t)(end - s));
}

/* A field's value in the headers that stand somewhere in a text. */
static const char *text_field(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; (p = strcasestr(p, name)) != NULL; p += n)
		if ((p == text || p[-1] == '\n') && p[n] == ':') {
			p += n + 1;
			return p + strspn(p, " \t\n");
		}
	return NULL;
}

/* name's value of the returned message: of a part that is a message or its headers, else of what stands in the text. */
static const char *returned_field(const struct view *v, const char *name)
{
	const struct mail *m = v->m;

	for (size_t i = 1; i < m->part_n; i++) {
		const struct mail_part *p = &m->part[i];
		const char *value = NULL;

		if (is_status_part(p))
			continue;
		if (!strncmp(p->type, "message/", 8) && p->text_len == 0)
			value = mail_part_get(m, p, name);
		else if (!strcmp(p->type, "text/rfc822-headers") || !strncmp(p->type, "message/", 8))
			value = text_field(p->text, name);
		if (value)
			return value;
	}
	for (size_t i = 0; i < m->part_n; i++) {
		const char *value =
		    strncmp(m->part[i].type, "text/", 5) == 0 ? text_field(m->part[i].text, name) : NULL;

		if (value)
			return value;
	}
	return NULL;
}

void returned_find(const struct view *v, struct classified *out)
{
	const char *id = returned_field(v, "message-id");

	if (id)
		id_set(out->original_id, sizeof out->original_id, id);
}

bool returned_recipient(const struct view *v, char out[256])
{
	const char *to = returned_field(v, "to");

	return to && address_find(to, strcspn(to, "\n"), out, NULL);
}

/* ---- feedback ---- */

static void feedback_fields(const char *s, size_t n, struct classified *out, char type[32])
{
	const char *end = s + n;

	while (s < end) {
		struct field f;

		s = field_next(s, end, &f);
		if (!f.name)
			continue;
		if (field_is(&f, "feedback-type"))
			(void)fold_copy(type, 32, f.value, f.value_n < 31 ? f.value_n : 31);
		else if (field_is(&f, "user-agent") || (field_is(&f, "reporting-mta") && *out->reporter == '\0'))
			text_set(out->reporter, sizeof out->reporter, f.value, f.value_n);
		else if (field_is(&f, "original-rcpt-to") || field_is(&f, "removal-recipient"))
			(void)address_find(f.value, f.value_n, out->original_recipient, NULL);
		else if (field_is(&f, "original-mail-from"))
			(void)address_find(f.value, f.value_n, out->original_sender, NULL);
		else if (field_is(&f, "original-envelope-id"))
			text_set(out->envelope_id, sizeof out->envelope_id, f.value, f.value_n);
	}
}

/* The fields in a text: relays flatten reports. A person who quotes them has a mark in front of each line, or answers. */
static bool text_has_feedback(const struct mail_part *p)
{
	return !strncmp(p->type, "text/", 5) && strcmp(p->type, "text/rfc822-headers") != 0 &&
	       (text_begins(p->text, "feedback-type:") || strcasestr(p->text, "\nfeedback-type:")) &&
	       (strcasestr(p->text, "\nuser-agent:") || strcasestr(p->text, "\nversion:"));
}

/* Reports without the report: Hotmail's JMRP and others forward the message as it was; Amazon tells in JSON. */
static bool is_plain_complaint(const struct view *v)
{
	static const char *const from[] = { "staff@hotmail.com", "scomp@aol.", "complaints@email-abuse.",
					    "feedbackloop@",     "fbl@",       "fbl-" };
	static const char *const subject[] = { "complaint about message from", "email feedback report for",
					       "abuse report", "spam complaint" };
	bool reports = false;

	if (is_answer(v))
		return false;
	if (strstr(v->from, "amazonaws.com") && view_says(v, "notificationtype") &&
	    view_says(v, "complainedrecipients"))
		return true;
	for (size_t i = 0; i < sizeof from / sizeof from[0]; i++)
		reports = reports || strstr(v->from, from[i]);
	for (size_t i = 0; i < sizeof subject / sizeof subject[0]; i++)
		if (strstr(v->subject, subject[i]) && (reports || i < 2))
			return true;
	return reports && v->m->part_n > 1 && !strcmp(v->m->part[v->m->part_n - 2].type, "message/rfc822");
}

/* A feedback that nothing is wrong ("not-spam") is no complaint; one about a failed signature (RFC 6591) is a report on
 * the mail, not on the person: no recipient is named. */
bool report_feedback(const struct view *v, struct classified *out)
{
	const struct mail *m = v->m;
	char type[32] = "";
	bool found = false;

	for (size_t i = 0; i < m->part_n; i++)
		if ((!strcmp(m->part[i].type, "message/feedback-report") ||
		     (!is_answer(v) && text_has_feedback(&m->part[i]))) &&
		    !is_inside_message(m, i)) {
			feedback_fields(m->part[i].text, m->part[i].text_len, out, type);
			found = true;
		}
	if (!found && !strcmp(m->part[0].report_type, "feedback-report"))
		found = true;
	if (!found && !is_plain_complaint(v))
		return false;
	out->class = !strncmp(type, "not-spam", 8) ? CLASS_OTHER : CLASS_COMPLAINT;
	text_put(out->by, sizeof out->by, found ? "rfc5965" : "feedback-text");
	returned_find(v, out);
	if (!strncmp(type, "auth-failure", 12))
		out->original_recipient[0] = '\0';
	else if (*out->original_recipient == '\0')
		(void)returned_recipient(v, out->original_recipient);
	return true;
}

/* ---- disposition ---- */

/* Receipts without the part are text: is_text_receipt(). */
bool report_disposition(const struct view *v, struct classified *out)
{
	const struct mail *m = v->m;
	bool found = !strcmp(m->part[0].report_type, "disposition-notification");

	for (size_t i = 0; i < m->part_n; i++)
		found |= (!strcmp(m->part[i].type, "message/disposition-notification") ||
			  !strcmp(m->part[i].type, "message/global-disposition-notification")) &&
			 !is_inside_message(m, i);
	if (!found)
		return false;
	out->class = CLASS_RECEIPT;
	text_put(out->by, sizeof out->by, "rfc8098");
	returned_find(v, out);
	return true;
}
