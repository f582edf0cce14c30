/* rooms: base */
/* Whatever comes in, an accepted address can stand in an SMTP command or a header, and reads back as itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/buf.h"
#include "abv/mailaddr.h"

static void must(int ok)
{
	if (!ok)
		abort();
}

static void check_addr(const char *addr)
{
	must(strlen(addr) < MAILADDR_MAX && strchr(addr, '@') && *mailaddr_domain(addr));
	for (const char *c = addr; *c; c++)
		must((unsigned char)*c > 0x20 && *c != 0x7f && !strchr("<>()[]\\,;:\"", *c));
}

static void check_parse(const char *text)
{
	char once[MAILADDR_MAX], twice[MAILADDR_MAX], account[MAILADDR_MAX];

	if (mailaddr_parse(text, once, NULL) < 0)
		return;
	check_addr(once);
	must(mailaddr_parse(once, twice, NULL) == 0 && !strcmp(once, twice));
	if (mailaddr_account(once, account) == 0) {
		size_t n = strlen(mailaddr_domain(once)), m = strlen(account);

		must(m && m <= n && !strcmp(mailaddr_domain(once) + n - m, account) && !mailaddr_is_freemail(account));
	}
}

static void check_mailbox(const char *text)
{
	char name[256], addr[MAILADDR_MAX], name2[256], addr2[MAILADDR_MAX];
	struct buf b = { 0 };

	if (mailaddr_parse_mailbox(text, name, addr, NULL) < 0)
		return;
	check_addr(addr);
	buf_char(&b, '"');
	for (const char *c = name; *c; c++) {
		must((unsigned char)*c >= 0x20 && *c != 0x7f);
		if (*c == '"' || *c == '\\')
			buf_char(&b, '\\');
		buf_char(&b, *c);
	}
	buf_printf(&b, "\" <%s>", addr);
	must(mailaddr_parse_mailbox(buf_text(&b), name2, addr2, NULL) == 0);
	must(!strcmp(name, name2) && !strcmp(addr, addr2));
	must(mailaddr_parse_mailbox(addr, name2, addr2, NULL) == 0 && !*name2 && !strcmp(addr, addr2));
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = { 0 };

	buf_add(&b, data, size);
	check_parse(buf_text(&b));
	check_mailbox(buf_text(&b));
	buf_free(&b);
	return 0;
}
