/* Why a connection did not come about, in words for whoever runs the service: what was tried, how far it got, and what the other side
 * said. libcurl's own text is kept where it says more than the code does. */
#include <stdio.h>
#include <string.h>

#include "netloop_int.h"

enum netconn_failure netwhy_failure(const struct netconn *c, CURLcode rc)
{
	switch (rc) {
	case CURLE_USE_SSL_FAILED:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_SSL_ENGINE_SETFAILED:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS: return NETCONN_TLS;
	case CURLE_LOGIN_DENIED:
	case CURLE_AUTH_ERROR: return NETCONN_AUTH;
	default: return c->said[0] ? NETCONN_GREETING : NETCONN_CONNECT;
	}
}

/* Behind the last colon of OpenSSL's "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number". */
static const char *tls_reason(const char *detail)
{
	const char *at = strstr(detail, "error:") ? strrchr(detail, ':') : NULL;
	static const char certificate[] = "SSL certificate problem: ";

	if (strncmp(detail, certificate, sizeof certificate - 1) == 0)
		return detail + sizeof certificate - 1;
	if (strstr(detail, "wrong version number"))
		return "what it sends is no TLS";
	return at && at[1] ? at + 1 : detail;
}

void netwhy_late(struct netconn *c, char *out, size_t cap)
{
	curl_off_t resolved = 0, connected = 0;

	curl_easy_getinfo(c->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	curl_easy_getinfo(c->easy, CURLINFO_CONNECT_TIME_T, &connected);
	if (c->said[0])
		snprintf(out, cap, "the server went silent within the time limit, after \"%.200s\"", c->said);
	else if (connected > 0)
		snprintf(out, cap, "%s port %d took the connection, but did not greet within the time limit", c->host, c->port);
	else if (resolved > 0)
		snprintf(out, cap, "no connection to %s port %d within the time limit", c->host, c->port);
	else
		snprintf(out, cap, "the name %s could not be resolved within the time limit", c->host);
}

static void not_connected(struct netconn *c, char *out, size_t cap)
{
	long number = 0;

	curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &number);
	snprintf(out, cap, "no connection to %s port %d: %s", c->host, c->port, number ? strerror((int)number) : c->error);
}

static void closed(const struct netconn *c, char *out, size_t cap)
{
	if (c->said[0])
		snprintf(out, cap, "the server closed the connection, after \"%.200s\"", c->said);
	else
		snprintf(out, cap, "%s port %d took the connection, but closed it without a greeting", c->host, c->port);
}

void netwhy_text(struct netconn *c, CURLcode rc, char *out, size_t cap)
{
	const char *detail = c->error[0] ? c->error : curl_easy_strerror(rc);
	bool spoke = c->code >= 400 && c->code <= 599;

	if (spoke && (rc == CURLE_WEIRD_SERVER_REPLY || rc == CURLE_REMOTE_ACCESS_DENIED))
		snprintf(out, cap, "the server answered: %s", c->said);
	else if (rc == CURLE_WEIRD_SERVER_REPLY && !c->error[0]) /* before TLS: it could be somebody else's words */
		snprintf(out, cap, "the server sent more behind its answer \"%.200s\" than belongs there", c->said);
	else if (spoke || (!c->smtp && netwhy_failure(c, rc) == NETCONN_GREETING))
		snprintf(out, cap, "%s: %s", detail, c->said);
	else if (rc == CURLE_COULDNT_RESOLVE_HOST)
		snprintf(out, cap, "the name %s cannot be resolved", c->host);
	else if (rc == CURLE_COULDNT_CONNECT)
		not_connected(c, out, cap);
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		netwhy_late(c, out, cap);
	else if (rc == CURLE_RECV_ERROR || rc == CURLE_SEND_ERROR || rc == CURLE_GOT_NOTHING)
		closed(c, out, cap);
	else if (rc == CURLE_USE_SSL_FAILED)
		snprintf(out, cap, "TLS is required, but %s port %d offers no STARTTLS", c->host, c->port);
	else if (rc == CURLE_PEER_FAILED_VERIFICATION)
		snprintf(out, cap, "the certificate of %s is not accepted: %s", c->host, tls_reason(detail));
	else if (rc == CURLE_SSL_CONNECT_ERROR)
		snprintf(out, cap, "no TLS with %s port %d: %s", c->host, c->port, tls_reason(detail));
	else
		snprintf(out, cap, "%s", detail);
}
