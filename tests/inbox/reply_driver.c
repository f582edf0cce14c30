/* rooms: base model rules */
/* For eval_reply.py: reads "<what> <argument> <bytes>\n" and so many bytes, answers "<bytes>\n" and so many, until the
 * end. what: text, html (the own text), unsubscribe ("1" or "0"), date (argument: "sent,zone"; an RFC 3339 instant or
 * ""). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/reply_text.h"

static void answer(const char *what, const char *arg, const char *s, size_t n, struct buf *out)
{
	char zone[64] = "UTC", at[CLOCK_TEXT_MAX];
	int64_t sent = 0;
	if (strcmp(what, "text") == 0)
		reply_text_plain(s, n, out);
	else if (strcmp(what, "html") == 0)
		reply_text_html(s, n, out);
	else if (strcmp(what, "unsubscribe") == 0)
		buf_str(out, reply_text_unsubscribes(s, n) ? "1" : "0");
	else if (sscanf(arg, "%" SCNd64 ",%63s", &sent, zone) == 2 && zone_find(zone) != NULL) {
		int64_t t = return_date_find(s, n, sent, zone_find(zone));
		buf_str(out, t != 0 ? clock_format(t, at) : "");
	}
}

int main(void)
{
	char what[16], arg[96];
	size_t n;
	while (scanf("%15s %95s %zu", what, arg, &n) == 3 && getchar() == '\n') {
		struct buf out = { .data = NULL };
		char *s = malloc(n + 1);
		if (s == NULL || fread(s, 1, n, stdin) != n) {
			free(s);
			return 1;
		}
		answer(what, arg, s, n, &out);
		printf("%zu\n", out.len);
		fwrite(buf_text(&out), 1, out.len, stdout);
		fflush(stdout);
		buf_free(&out);
		free(s);
	}
	return 0;
}
