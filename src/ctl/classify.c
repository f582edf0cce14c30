/* abvctl classify: what received messages are, offline: nobody is matched, so every person's answer is a reply. */
#include <errno.h>
#include <string.h>

#include "abv/classify.h"
#include "abv/clock.h"
#include "abv/json.h"
#include "abv/mime.h"
#include "abv/reply_text.h"
#include "ctl_int.h"

/* The daemon's limit. What is longer is read so far: the beginning tells what it is. */
#define MESSAGE_MAX ((size_t)10 << 20)

struct answer {
	struct classified is;
	struct mail *mail; /* owned */
	struct buf text;   /* the writer's own */
	int64_t until;     /* of an absence note; 0 none */
};

static int message_read(const char *path, struct buf *b, struct err *e)
{
	FILE *f = !strcmp(path, "-") ? stdin : fopen(path, "rb");
	size_t n = 1;
	int r = 0;

	if (!f)
		return err_set(e, "cannot read '%s': %s", path, strerror(errno));
	while (n > 0 && b->len < MESSAGE_MAX) {
		buf_reserve(b, 65536);
		n = fread(b->data + b->len, 1, MESSAGE_MAX - b->len < 65536 ? MESSAGE_MAX - b->len : 65536, f);
		b->len += n;
	}
	if (ferror(f))
		r = err_set(e, "cannot read '%s': %s", path, strerror(errno));
	if (f != stdin)
		(void)fclose(f);
	return r;
}

static bool is_text_of_person(enum mail_class c)
{
	return c == CLASS_REPLY || c == CLASS_AUTO_REPLY || c == CLASS_UNSUBSCRIBE || c == CLASS_CHALLENGE ||
	       c == CLASS_OTHER || c == CLASS_OWN;
}

static void answer_make(const struct buf *bytes, struct answer *a)
{
	mime_parse(buf_text(bytes), bytes->len, &a->mail);
	classify_mail(a->mail, "", &a->is);
	if (is_text_of_person(a->is.class))
		reply_text_mail(a->mail, &a->text);
	if (a->is.class == CLASS_AUTO_REPLY)
		a->until = return_date_find(buf_text(&a->text), a->text.len, a->mail->date, zone_utc());
}

static void answer_free(struct answer *a)
{
	mail_free(&a->mail);
	buf_free(&a->text);
}

/* ---- JSON ---- */

static void bounce_json(const struct bounce *b, struct buf *out)
{
	buf_str(out, out->data[out->len - 1] == '[' ? "{" : ",{");
	json_add_str(out, "recipient", b->recipient);
	json_add_str(out, "action", b->action);
	json_add_str(out, "status", b->status);
	json_add_bool(out, "permanent", b->permanent);
	json_add_str(out, "reason", b->reason);
	buf_char(out, '}');
}

static void answer_json(const char *file, const struct answer *a, struct buf *out)
{
	struct buf list = { 0 };

	buf_char(&list, '[');
	for (int i = 0; i < a->is.bounce_n; i++)
		bounce_json(&a->is.bounce[i], &list);
	buf_char(&list, ']');
	buf_char(out, '{');
	json_add_str(out, "file", file);
	json_add_str(out, "class", mail_class_name(a->is.class));
	json_add_raw(out, "bounces", buf_text(&list));
	if (a->until)
		json_add_time(out, "until", a->until);
	else
		json_add_raw(out, "until", "null");
	json_add_str(out, "text", buf_text(&a->text));
	json_add_str(out, "message_id", a->mail->message_id);
	json_add_str(out, "in_reply_to", a->mail->in_reply_to);
	buf_str(out, "}\n");
	buf_free(&list);
}

/* ---- a table ---- */

static void row_add(struct table *t, const char *file, const struct answer *a, const struct bounce *b)
{
	char date[CLOCK_TEXT_MAX] = "";

	if (a->until)
		date[10] = clock_format(a->until, date)[10] = '\0';
	table_add(t, file);
	table_add_colour(t, mail_class_name(a->is.class),
			 a->is.class == CLASS_BOUNCE  ? '1'
			 : a->is.class == CLASS_REPLY ? '2'
						      : 0);
	table_add(t, b ? b->recipient : "");
	table_add(t, b ? b->status : "");
	table_add(t, b && b->permanent ? "permanent" : "");
	table_add(t, b ? b->reason : a->until ? date : "");
	table_add(t, a->is.by);
}

static void answer_rows(struct table *t, const char *file, const struct answer *a)
{
	if (a->is.bounce_n == 0)
		row_add(t, file, a, NULL);
	for (int i = 0; i < a->is.bounce_n; i++)
		row_add(t, i == 0 ? file : "", a, &a->is.bounce[i]);
}

static int classify_file(const char *path, bool json, struct table *t)
{
	struct buf bytes = { 0 }, out = { 0 };
	struct answer a = { .until = 0 };
	struct err e = { "" };
	int rc = CTL_OK;

	if (message_read(path, &bytes, &e) < 0) {
		rc = ctl_fail(CTL_FINDINGS, "%s", e.text);
	} else {
		answer_make(&bytes, &a);
		if (json)
			answer_json(path, &a, &out);
		else
			answer_rows(t, path, &a);
		(void)fwrite(buf_text(&out), 1, out.len, stdout);
	}
	answer_free(&a);
	buf_free(&bytes);
	buf_free(&out);
	return rc;
}

int cmd_classify(struct ctl *c)
{
	static const char *const head[] = { "FILE", "CLASS", "RECIPIENT", "STATUS", "", "REASON/UNTIL", "BY", NULL };
	bool json = c->json || ctl_flag(c, "jsonl");
	struct buf out = { 0 };
	struct table t;
	int rc = CTL_OK;

	if (!c->arg_n)
		return ctl_usage(c, "classify: no FILE is given");
	table_open(&t, head);
	for (int i = 0; i < c->arg_n; i++)
		if (classify_file(c->arg[i], json, &t) != CTL_OK)
			rc = CTL_FINDINGS;
	if (table_rows(&t) > 0)
		table_format(&t, c->colour, &out);
	(void)fwrite(buf_text(&out), 1, out.len, stdout);
	buf_free(&out);
	table_free(&t);
	return rc;
}
