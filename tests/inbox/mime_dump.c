/* rooms: base model mime */
/* Prints each FILE's parse as a JSON line: for eval_mime.py, which compares it with other parsers'. */
#include <stdio.h>
#include <string.h>

#include "abv/buf.h"
#include "abv/clock.h"
#include "abv/json.h"
#include "abv/mime.h"

static void part_add(struct buf *out, const struct mail_part *p)
{
	buf_str(out, out->data[out->len - 1] == '[' ? "{" : ",{");
	json_add_str(out, "type", p->type);
	json_add_str(out, "name", p->name);
	json_add_int(out, "depth", p->depth);
	json_add_int(out, "end", (int64_t)p->end);
	buf_str(out, ",\"text\":");
	json_quote(out, p->text, p->text_len);
	buf_char(out, '}');
}

static void mail_print(const char *file, const struct mail *m, int64_t ms)
{
	struct buf out = { 0 }, parts = { 0 };

	buf_char(&parts, '[');
	for (size_t i = 0; i < m->part_n; i++)
		part_add(&parts, &m->part[i]);
	buf_char(&parts, ']');
	buf_char(&out, '{');
	json_add_str(&out, "file", file);
	json_add_int(&out, "ms", ms);
	json_add_bool(&out, "cut", m->cut);
	json_add_str(&out, "subject", m->subject);
	json_add_str(&out, "message_id", m->message_id);
	json_add_str(&out, "from", m->from);
	json_add_str(&out, "from_name", m->from_name);
	json_add_int(&out, "date", m->date);
	json_add_raw(&out, "parts", buf_text(&parts));
	buf_str(&out, "}\n");
	(void)fwrite(buf_text(&out), 1, out.len, stdout);
	buf_free(&out);
	buf_free(&parts);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct buf bytes = { 0 };
		struct mail *m = NULL;
		int64_t before;

		if (buf_read_file(&bytes, argv[i], (size_t)64 << 20) < 0) {
			perror(argv[i]);
			return 1;
		}
		before = clock_mono();
		mime_parse(buf_text(&bytes), bytes.len, &m);
		mail_print(argv[i], m, clock_mono() - before);
		mail_free(&m);
		buf_free(&bytes);
	}
	return 0;
}
