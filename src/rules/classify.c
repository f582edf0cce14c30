/* The order of the questions (6-inbox): reports first, because they are what acts on other people's addresses and have
 * proof in their structure; then machines' answers; what is left is a person's, unless it is proven not to be. */
#include <string.h>

#include "classify_int.h"

const char *mail_class_name(enum mail_class c)
{
	static const char *const names[CLASS_COUNT] = {
		[CLASS_BOUNCE] = "bounce",
		[CLASS_NOTICE] = "notice",
		[CLASS_COMPLAINT] = "complaint",
		[CLASS_RECEIPT] = "receipt",
		[CLASS_AUTO_REPLY] = "auto_reply",
		[CLASS_CHALLENGE] = "challenge",
		[CLASS_UNSUBSCRIBE] = "unsubscribe",
		[CLASS_REPLY] = "reply",
		[CLASS_OWN] = "own",
		[CLASS_OTHER] = "other",
	};

	return names[c];
}

/* own: "example.com" or "ann@example.com". */
static bool is_own(const struct mail *m, const char *own)
{
	const char *at = strrchr(m->from, '@');

	if (*own == '\0' || !at)
		return false;
	return !strcmp(strchr(own, '@') ? m->from : at + 1, own);
}

static void person_or_not(const struct view *v, struct classified *out)
{
	static const struct {
		bool (*is)(const struct view *v, const char **by);
		enum mail_class class;
	} row[] = { { is_challenge, CLASS_CHALLENGE },
		    { is_unsubscribe, CLASS_UNSUBSCRIBE },
		    { is_text_receipt, CLASS_RECEIPT },
		    { is_auto_reply, CLASS_AUTO_REPLY },
		    { is_unsubscribe_text, CLASS_UNSUBSCRIBE },
		    { is_other, CLASS_OTHER } };
	const char *by = "";

	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (row[i].is(v, &by)) {
			out->class = row[i].class;
			text_put(out->by, sizeof out->by, by);
			return;
		}
	out->class = CLASS_REPLY;
	text_put(out->by, sizeof out->by, "person");
}

void classify_mail(const struct mail *m, const char *own, struct classified *out)
{
	struct view v;

	memset(out, 0, sizeof *out);
	view_make(m, &v);
	if (report_feedback(&v, out) || report_disposition(&v, out) || report_delivery(&v, out) ||
	    bounce_other(&v, out))
		return;
	memset(out, 0, sizeof *out);
	if (is_own(m, own)) {
		out->class = CLASS_OWN;
		text_put(out->by, sizeof out->by, "own");
		return;
	}
	person_or_not(&v, out);
}
