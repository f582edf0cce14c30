/* abvctl render: a template with values from the command line, framed as a letter of the configured sender would be. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "abv/config.h"
#include "abv/json.h"
#include "abv/mem.h"
#include "abv/mime.h"
#include "abv/render.h"
#include "ctl_int.h"

struct letter {
	struct ctl *ctl;
	struct config *config; /* NULL: none that loads */
	char *dir, *name;      /* where the template lies */
	struct template_layout *layout;
	struct template *template;
	struct rendered rendered;
	char account[MAILADDR_MAX];
	bool *asked; /* owned: which --set the template has a placeholder for */
};

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void problems_tell(const struct problems *p)
{
	struct buf line = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		buf_clear(&line);
		problem_format(&p->row[i], &line);
		(void)fprintf(stderr, "%s\n", buf_text(&line));
	}
	buf_free(&line);
}

/* NAME or NAME.md in dir. */
static bool found_in(struct letter *l, const char *dir, const char *name)
{
	static const char *const suffix[] = { "", ".md" };

	for (size_t i = 0; i < sizeof suffix / sizeof suffix[0]; i++) {
		char *path = mem_printf("%s/%s%s", dir, name, suffix[i]);
		bool ok = is_file(path);

		free(path);
		if (!ok)
			continue;
		l->dir = mem_strdup(dir);
		l->name = mem_printf("%s%s", name, suffix[i]);
		return true;
	}
	return false;
}

static bool found_as_path(struct letter *l, const char *path)
{
	char *copy = mem_strdup(path), *again = mem_strdup(path);
	bool ok = found_in(l, dirname(copy), basename(again));

	free(copy);
	free(again);
	return ok;
}

static bool found_in_templates(struct letter *l, const char *name)
{
	char *copy = mem_strdup(ctl_config_path(l->ctl));
	char *dir = l->config ? mem_strdup(l->config->template_dir) : mem_printf("%s/templates", dirname(copy));
	bool ok = found_in(l, dir, name);

	free(copy);
	free(dir);
	return ok;
}

/* With --config its templates come first, else the path. */
static int template_find(struct letter *l, const char *what)
{
	bool ok = l->ctl->config ? found_in_templates(l, what) || found_as_path(l, what)
				 : found_as_path(l, what) || found_in_templates(l, what);

	return ok ? CTL_OK
		  : ctl_fail(CTL_FINDINGS, "no template '%s', neither as a file nor in the configuration's templates",
			     what);
}

/* The sender's details are wanted, but a template can be looked at without them. A configuration that was named must be
 * right. */
static int sender_load(struct letter *l)
{
	struct problems problems = { 0 };
	int rc = CTL_OK;

	if (config_load(ctl_config_path(l->ctl), &l->config, &problems) < 0 && l->ctl->config) {
		problems_tell(&problems);
		rc = CTL_FINDINGS;
	}
	problems_free(&problems);
	return rc;
}

static int template_open(struct letter *l)
{
	struct problems problems = { 0 };
	int rc = CTL_OK;

	if (template_layout_load(l->dir, &l->layout, &problems) < 0 ||
	    template_load(l->dir, l->name, l->layout, &l->template, &problems) < 0)
		rc = CTL_FINDINGS;
	problems_tell(&problems);
	problems_free(&problems);
	return rc;
}

/* ---- values ---- */

static const char *set_value(const struct letter *l, const char *name)
{
	size_t n = strlen(name);

	for (int i = l->ctl->given_n; i-- > 0;) {
		const struct ctl_given *g = &l->ctl->given[i];

		if (!strcmp(g->option->name, "set") && !strncmp(g->value, name, n) && g->value[n] == '=')
			return g->value + n + 1;
	}
	return NULL;
}

/* The template asks for each of its names. */
static const char *get_value(void *arg, const char *name)
{
	struct letter *l = arg;
	const char *v = set_value(l, name);
	size_t n = strlen(name);

	for (int i = 0; i < l->ctl->given_n; i++)
		l->asked[i] |= !strncmp(l->ctl->given[i].value, name, n) && l->ctl->given[i].value[n] == '=';
	return !v && !strcmp(name, "account") ? l->account : v;
}

/* A misspelt name changes nothing, and would not be seen. What stands in the message's head needs no placeholder. */
static void unused_tell(const struct letter *l)
{
	static const char *const head[] = { "email=", "first_name=", "last_name=", "account=" };

	for (int i = 0; i < l->ctl->given_n; i++) {
		const struct ctl_given *g = &l->ctl->given[i];
		bool used = l->asked[i] || strcmp(g->option->name, "set") != 0;
		struct buf name = { 0 };

		for (size_t k = 0; k < sizeof head / sizeof head[0]; k++)
			used |= !strncmp(g->value, head[k], strlen(head[k]));
		if (used)
			continue;
		out_clean(&name, g->value);
		(void)fprintf(stderr, "%s/%s: warning: there is no placeholder '%.*s'\n", l->dir, l->name,
			      (int)strcspn(buf_text(&name), "="), buf_text(&name));
		buf_free(&name);
	}
}

/* As at an import: without an account the address tells it. */
static int values_check(struct letter *l)
{
	const char *email = set_value(l, "email");
	char addr[MAILADDR_MAX];
	struct err e = { "" };

	for (int i = 0; i < l->ctl->given_n; i++) {
		const struct ctl_given *g = &l->ctl->given[i];

		if (!strcmp(g->option->name, "set") && (!strchr(g->value, '=') || *g->value == '='))
			return ctl_usage(l->ctl, "render: --set takes NAME=VALUE, not '%s'", g->value);
	}
	if (!email)
		return CTL_OK;
	if (mailaddr_parse(email, addr, &e) < 0)
		return ctl_usage(l->ctl, "render: --set email: %s", e.text);
	if (l->config)
		config_account(l->config, addr, l->account);
	else
		(void)mailaddr_account(addr, l->account);
	return CTL_OK;
}

/* ---- the letter ---- */

static int letter_render(struct letter *l)
{
	const struct config_sender *from = l->config ? &l->config->sender : NULL;
	const char *who = !from ? "Sender" : *from->from_name ? from->from_name : from->from_addr;
	char *why = mem_printf("You receive this e-mail from %s because you asked for e-mails from us.", who);
	struct render_frame frame = { .postal_address = from ? from->postal_address : "Postal address of the sender",
				      .reason_why = why,
				      .unsubscribe_url = from ? from->unsubscribe : "mailto:unsubscribe@example.com" };
	struct render_values values = { get_value, l };
	struct err e = { "" };
	int rc = CTL_OK;

	l->asked = mem_array((size_t)l->ctl->given_n + 1, sizeof *l->asked);
	if (template_render(l->template, &values, &frame, &l->rendered, NULL, &e) < 0)
		rc = ctl_fail(CTL_FINDINGS, "%s/%s: %s", l->dir, l->name, e.text);
	unused_tell(l);
	free(why);
	return rc;
}

static int print_eml(struct letter *l)
{
	const struct config_sender *from = l->config ? &l->config->sender : NULL;
	const char *addr = from ? from->from_addr : "sender@example.com", *to = set_value(l, "email");
	const char *first = set_value(l, "first_name"), *last = set_value(l, "last_name");
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	char *id = mem_printf("render-%lld-%ld@%s", (long long)now.tv_sec, now.tv_nsec, mailaddr_domain(addr));
	char *name =
	    mem_printf("%s%s%s", first ? first : "", first && *first && last && *last ? " " : "", last ? last : "");
	char *list = mem_printf("<%s>", from ? from->unsubscribe : "mailto:unsubscribe@example.com");
	struct mime_headers h = {
		.from_name = from ? from->from_name : "Sender",
		.from_addr = addr,
		.reply_to = from ? from->reply_to : "",
		.to_name = name,
		.to_addr = to ? to : "recipient@example.com",
		.subject = buf_text(&l->rendered.subject),
		.message_id = id,
		.date = (int64_t)now.tv_sec * 1000,
		.list_unsubscribe = list,
		.list_id = "",
		.feedback_id = "",
		.in_reply_to = "",
		.references = "",
	};
	struct buf out = { 0 };
	struct err e = { "" };
	int rc = CTL_OK;

	if (mime_compose(&h, buf_text(&l->rendered.text), l->rendered.text.len, buf_text(&l->rendered.html),
			 l->rendered.html.len, &out, &e) < 0)
		rc = ctl_fail(CTL_FINDINGS, "%s", e.text);
	else
		(void)fwrite(buf_text(&out), 1, out.len, stdout);
	buf_free(&out);
	free(id);
	free(name);
	free(list);
	return rc;
}

static int print(struct letter *l)
{
	struct rendered *r = &l->rendered;
	struct buf out = { 0 };

	if (ctl_flag(l->ctl, "eml"))
		return print_eml(l);
	if (l->ctl->json) {
		buf_char(&out, '{');
		json_add_str(&out, "subject", buf_text(&r->subject));
		json_add_str(&out, "text", buf_text(&r->text));
		json_add_str(&out, "html", buf_text(&r->html));
		buf_str(&out, "}\n");
	} else if (ctl_flag(l->ctl, "html")) {
		buf_add(&out, buf_text(&r->html), r->html.len);
	} else if (ctl_flag(l->ctl, "text")) {
		buf_add(&out, buf_text(&r->text), r->text.len);
	} else {
		buf_printf(&out, "Subject: %s\n\n", buf_text(&r->subject));
		buf_add(&out, buf_text(&r->text), r->text.len);
	}
	(void)fwrite(buf_text(&out), 1, out.len, stdout);
	buf_free(&out);
	return CTL_OK;
}

int cmd_render(struct ctl *c)
{
	struct letter l = { .ctl = c };
	int rc;

	if (ctl_flag(c, "eml") + ctl_flag(c, "html") + ctl_flag(c, "text") + c->json > 1)
		return ctl_usage(c, "render: only one of --eml, --html, --text, --json");
	rc = sender_load(&l);
	if (rc == CTL_OK)
		rc = values_check(&l);
	if (rc == CTL_OK)
		rc = template_find(&l, c->arg[0]);
	if (rc == CTL_OK)
		rc = template_open(&l);
	if (rc == CTL_OK)
		rc = letter_render(&l);
	if (rc == CTL_OK)
		rc = print(&l);
	rendered_free(&l.rendered);
	template_free(&l.template);
	template_layout_free(&l.layout);
	config_free(&l.config);
	free(l.asked);
	free(l.dir);
	free(l.name);
	return rc;
}
