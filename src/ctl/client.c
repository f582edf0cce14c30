/* HTTP over the Unix socket. No answer, for whatever reason, is exit status 69; an answer that says no is 1. */
#include <curl/curl.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "abv/mem.h"
#include "client_int.h"

#define SOCKET_DEFAULT "/run/abvd/control.sock"
/* The longest verb (an enrollment of everybody) takes minutes; a daemon that says nothing for so long hangs. */
#define ANSWER_SECONDS 600L
#define DELIVER_SECONDS 120L /* an MTA waits for its pipe; what is delivered twice takes effect once */

#define CONNECT_SECONDS 10
#define TRIES_MOST      200

struct client {
	CURL *curl;
	CURLM *multi;
	bool begun, done; /* a request; it has its answer, or there will be none */
	CURLcode result;
	struct curl_slist *headers;
	struct buf path, answer;
	char why[CURL_ERROR_SIZE];
};

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
	struct client *cl = arg;

	buf_add(&cl->answer, p, size * n);
	return size * n;
}

int client_open(const struct ctl *c, struct client **out, struct err *e)
{
	struct client *cl = mem_alloc(sizeof *cl);

	*out = NULL;
	if (c->socket) {
		buf_str(&cl->path, c->socket);
	} else if (setting_find(c, "control", "socket", SOCKET_DEFAULT, &cl->path, e) < 0) {
		client_close(&cl);
		return -1;
	}
	if (cl->path.len >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
		err_set(e, "the socket's path '%s' is too long for a Unix socket", buf_text(&cl->path));
		client_close(&cl);
		return -1;
	}
	cl->curl = curl_easy_init();
	cl->multi = curl_multi_init();
	/* libcurl would wait a second for "100 Continue" before a larger body. */
	cl->headers = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"), "Expect:");
	curl_easy_setopt(cl->curl, CURLOPT_UNIX_SOCKET_PATH, buf_text(&cl->path));
	curl_easy_setopt(cl->curl, CURLOPT_HTTPHEADER, cl->headers);
	curl_easy_setopt(cl->curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(cl->curl, CURLOPT_PROXY, ""); /* http_proxy is for other journeys */
	curl_easy_setopt(cl->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(cl->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(cl->curl, CURLOPT_TIMEOUT, ANSWER_SECONDS);
	curl_easy_setopt(cl->curl, CURLOPT_ERRORBUFFER, cl->why);
	curl_easy_setopt(cl->curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(cl->curl, CURLOPT_WRITEDATA, cl);
	*out = cl;
	return 0;
}

void client_message(struct client *cl)
{
	curl_slist_free_all(cl->headers);
	cl->headers = curl_slist_append(curl_slist_append(NULL, "Content-Type: message/rfc822"), "Expect:");
	curl_easy_setopt(cl->curl, CURLOPT_HTTPHEADER, cl->headers);
	curl_easy_setopt(cl->curl, CURLOPT_TIMEOUT, DELIVER_SECONDS);
}

void client_close(struct client **cl)
{
	if (!*cl)
		return;
	if ((*cl)->begun)
		(void)curl_multi_remove_handle((*cl)->multi, (*cl)->curl);
	curl_easy_cleanup((*cl)->curl);
	(void)curl_multi_cleanup((*cl)->multi);
	curl_slist_free_all((*cl)->headers);
	buf_free(&(*cl)->path);
	buf_free(&(*cl)->answer);
	free(*cl);
	*cl = NULL;
}

/* Nobody answered: what the administrator can do about it. */
static int tell_unreachable(struct client *cl, CURLcode rc, struct err *e)
{
	const char *path = buf_text(&cl->path);
	struct stat st;

	if (rc != CURLE_COULDNT_CONNECT)
		return err_set(e, "abvd gave no answer (%s); whether the request was carried out is not known",
			       *cl->why ? cl->why : curl_easy_strerror(rc));
	if (stat(path, &st) < 0)
		return err_set(e, "abvd is not reachable: %s: %s%s", path, strerror(errno),
			       errno == ENOENT ? "; is abvd running? (systemctl status abvd)" : "");
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, "abvd is not reachable: %s is no socket", path);
	if (access(path, W_OK) < 0) {
		int why = errno; /* getgrgid has an errno of its own */
		const struct group *g = getgrgid(st.st_gid);

		return err_set(e, "abvd is not reachable: %s: %s; run as root or as a member of the group %s", path,
			       strerror(why), g ? g->gr_name : "of the socket");
	}
	return err_set(e, "abvd is not reachable: nobody listens on %s; is abvd running? (systemctl status abvd)",
		       path);
}

/* What can be done now without waiting. */
static void turn(struct client *cl)
{
	int running, left;
	const CURLMsg *m;

	if (curl_multi_perform(cl->multi, &running) != CURLM_OK) {
		cl->done = true;
		cl->result = CURLE_FAILED_INIT;
	}
	while ((m = curl_multi_info_read(cl->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		cl->done = true;
		cl->result = m->data.result;
	}
}

void client_begin(struct client *cl, const char *verb, const char *body, size_t n)
{
	char *url = mem_printf("http://abvd/v1/%s", verb);
	curl_off_t sent = 0;

	buf_clear(&cl->answer);
	cl->why[0] = '\0';
	cl->done = false;
	cl->begun = true;
	curl_easy_setopt(cl->curl, CURLOPT_URL, url);
	curl_easy_setopt(cl->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
	curl_easy_setopt(cl->curl, CURLOPT_POSTFIELDS, body);
	free(url);
	(void)curl_multi_add_handle(cl->multi, cl->curl);
	for (turn(cl); !cl->done; turn(cl)) {
		(void)curl_easy_getinfo(cl->curl, CURLINFO_SIZE_UPLOAD_T, &sent);
		if (sent >= (curl_off_t)n)
			break;
		(void)curl_multi_poll(cl->multi, NULL, 0, 1000, NULL);
	}
}

bool client_wait(struct client *cl, int fd)
{
	struct curl_waitfd in = { .fd = fd, .events = CURL_WAIT_POLLIN };

	while (cl->begun && !cl->done) {
		(void)curl_multi_poll(cl->multi, &in, 1, 1000, NULL);
		turn(cl);
		if (in.revents)
			return cl->done;
	}
	return cl->begun;
}

int client_end(struct client *cl, json_t **answer, struct err *e)
{
	json_error_t bad;
	long status = 0;

	*answer = NULL;
	for (; !cl->done; turn(cl))
		(void)curl_multi_poll(cl->multi, NULL, 0, 1000, NULL);
	(void)curl_multi_remove_handle(cl->multi, cl->curl);
	cl->begun = false;
	if (cl->result != CURLE_OK)
		return tell_unreachable(cl, cl->result, e);
	curl_easy_getinfo(cl->curl, CURLINFO_RESPONSE_CODE, &status);
	*answer = json_loadb(buf_text(&cl->answer), cl->answer.len, 0, &bad);
	if (!json_is_object(*answer)) {
		json_decref(*answer);
		*answer = NULL;
		return err_set(e, "%s does not speak abvd's protocol: status %ld, no JSON object", buf_text(&cl->path),
			       status);
	}
	return (int)status;
}

/* Waits, in the kernel's order, until the daemon takes a connection. False when nobody listens, or not within CONNECT_SECONDS. */
static bool takes_connections(const struct client *cl)
{
	const struct timeval most = { CONNECT_SECONDS, 0 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	if (fd < 0)
		return false;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", buf_text(&cl->path));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
	yes = connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
	close(fd);
	return yes;
}

/* Where a crowd waits to be let in, libcurl's connect, which does not block, is turned away: nothing was said yet, so it is tried again. */
int client_call(struct client *cl, const char *verb, const char *body, size_t n, json_t **answer, struct err *e)
{
	int status, tries = 0;

	do {
		client_begin(cl, verb, body, n);
		status = client_end(cl, answer, e);
	} while (status < 0 && cl->result == CURLE_COULDNT_CONNECT && ++tries < TRIES_MOST && takes_connections(cl));
	return status;
}

int client_ask(struct ctl *c, const char *verb, const struct buf *body, json_t **answer)
{
	const char *text = body && body->len ? buf_text(body) : "{}";
	struct client *cl = NULL;
	struct err e = { "" };
	int status = -1, rc = CTL_OK;

	*answer = NULL;
	if (client_open(c, &cl, &e) == 0)
		status = client_call(cl, verb, text, strlen(text), answer, &e);
	client_close(&cl);
	if (status < 0)
		return ctl_fail(CTL_UNREACHABLE, "%s", e.text);
	if (status >= 300) {
		struct buf why = { 0 };

		(void)client_print_json(c, *answer);
		out_clean(&why, json_text(*answer, "error"));
		rc = ctl_fail(CTL_FINDINGS, "%s", why.len ? buf_text(&why) : "abvd refuses the request");
		buf_free(&why);
		json_decref(*answer);
		*answer = NULL;
	}
	return rc;
}

const char *json_text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? s : "";
}

long long json_number(const json_t *object, const char *name)
{
	const json_t *v = json_object_get(object, name);

	return json_is_real(v) ? (long long)json_real_value(v) : (long long)json_integer_value(v);
}

static void print_line(const json_t *value)
{
	(void)json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	(void)putchar('\n');
}

bool client_print_json(const struct ctl *c, const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "rows"), *row;
	size_t i;

	if (!c->json)
		return false;
	if (!json_is_array(rows)) {
		print_line(answer);
		return true;
	}
	json_array_foreach (rows, i, row) {
		print_line(row);
	}
	return true;
}

void json_plain(struct buf *b, const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		out_clean(b, json_string_value(value));
		return;
	}
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
	out_clean(b, text ? text : "");
	free(text);
}
