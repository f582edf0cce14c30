/* rooms: base */
/* libcurl's own SMTP upload on a curl_multi, the way a program without a dialogue of its own would send: the comparison for
 * `make bench`. usage: bench_curl_upload MESSAGES CONNECTIONS URL. Prints messages a second and microseconds of CPU a message. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abv/buf.h"
#include "abv/clock.h"
#include "abv/mem.h"

struct upload {
	CURL *easy;
	struct curl_slist *to;
	size_t at;
};

static struct buf message;
static int started, total;

static size_t read_cb(char *p, size_t size, size_t n, void *arg)
{
	struct upload *u = arg;
	size_t room = size * n, left = message.len - u->at, take = left < room ? left : room;
	memcpy(p, message.data + u->at, take);
	u->at += take;
	return take;
}

static void start(CURLM *multi, struct upload *u)
{
	char to[64];
	u->at = 0;
	snprintf(to, sizeof to, "<u%d@example.com>", started++);
	curl_slist_free_all(u->to);
	u->to = curl_slist_append(NULL, to);
	curl_easy_setopt(u->easy, CURLOPT_MAIL_RCPT, u->to);
	curl_multi_add_handle(multi, u->easy);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int width = atoi(argv[2]), done = 0, failed = 0, running, left;
	total = atoi(argv[1]);
	buf_str(&message, "From: a@example.com\r\nTo: b@example.com\r\nSubject: bench\r\nMessage-ID: <1@example.com>\r\n\r\n");
	while (message.len < 4000)
		buf_str(&message, "The quick brown fox jumps over the lazy dog, and then over sixty more of them.\r\n");
	curl_global_init(CURL_GLOBAL_ALL);
	CURLM *multi = curl_multi_init();
	struct upload *u = mem_array((size_t)width, sizeof *u);
	int64_t t0 = clock_mono();
	for (int i = 0; i < width; i++) {
		u[i].easy = curl_easy_init();
		curl_easy_setopt(u[i].easy, CURLOPT_URL, argv[3]);
		curl_easy_setopt(u[i].easy, CURLOPT_MAIL_FROM, "<a@example.com>");
		curl_easy_setopt(u[i].easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(u[i].easy, CURLOPT_READFUNCTION, read_cb);
		curl_easy_setopt(u[i].easy, CURLOPT_READDATA, &u[i]);
		curl_easy_setopt(u[i].easy, CURLOPT_PRIVATE, (char *)&u[i]);
		if (started < total)
			start(multi, &u[i]);
	}
	while (done + failed < total) {
		curl_multi_perform(multi, &running);
		CURLMsg *m;
		while ((m = curl_multi_info_read(multi, &left)) != NULL) {
			char *p;
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p);
			if (m->data.result == CURLE_OK)
				done++;
			else
				failed++;
			curl_multi_remove_handle(multi, m->easy_handle);
			if (started < total)
				start(multi, (struct upload *)(void *)p);
		}
		curl_multi_poll(multi, NULL, 0, 100, NULL);
	}
	double seconds = (double)(clock_mono() - t0) / 1000;
	printf("%d messages %d failed %.3f s %.0f messages/s %.1f us CPU/message\n", done, failed, seconds, done / seconds, cpu_seconds() * 1e6 / total);
	return failed != 0;
}
