#include "abv/token.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAC_BYTES 10 /* 80 bits: nobody gets 2^79 tries past an SMTP server */
#define MAC_CHARS 16
#define ID_CHARS  13 /* 2^64 - 1 in base 36 */

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567", base36[] = "0123456789abcdefghijklmnopqrstuvwxyz";

static void ready(void)
{
	static bool is_ready; /* asking sodium takes a lock, five times a message */

	if (is_ready)
		return;
	is_ready = true;
	if (sodium_init() < 0) /* no source of randomness: nothing made here could be trusted */
		abort();
}

static void mac_text(const struct key *k, enum token_kind kind, uint64_t id, char out[MAC_CHARS])
{
	/* Longer than a digest's 16 bytes: BLAKE2b mixes the length in, so no digest made with the same key is ever a
	 * MAC. */
	unsigned char mac[crypto_generichash_BYTES], text[9];
	unsigned bits = 0, held = 0;
	size_t n = 0;

	text[0] = (unsigned char)kind;
	for (int i = 0; i < 8; i++)
		text[1 + i] = (unsigned char)(id >> (56 - 8 * i));
	ready();
	crypto_generichash(mac, sizeof(mac), text, sizeof(text), k->byte, sizeof(k->byte));
	for (size_t i = 0; i < MAC_BYTES; i++) {
		held = (held << 8 | mac[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			out[n++] = base32[held >> (bits - 5) & 31];
	}
}

void key_generate(struct key *k)
{
	ready();
	randombytes_buf(k->byte, sizeof(k->byte));
}

void token_make(const struct key *k, enum token_kind kind, int64_t id, char out[TOKEN_MAX])
{
	char digits[ID_CHARS];
	uint64_t left = (uint64_t)id;
	size_t n = 0, at = 0;

	do
		digits[n++] = base36[left % 36];
	while (left /= 36);
	while (n)
		out[at++] = digits[--n];
	out[at++] = '-';
	mac_text(k, kind, (uint64_t)id, out + at);
	out[at + MAC_CHARS] = '\0';
}

int token_read(const struct key *k, enum token_kind kind, const char *text, size_t n, int64_t *id)
{
	char given[TOKEN_MAX], made[TOKEN_MAX] = { 0 };
	uint64_t value = 0;
	size_t digits;

	if (n < 1 + 1 + MAC_CHARS || n > ID_CHARS + 1 + MAC_CHARS)
		return -1;
	for (size_t i = 0; i < n; i++)
		given[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
	digits = n - 1 - MAC_CHARS;
	for (size_t i = 0; i < digits; i++) {
		const char *d = given[i] ? strchr(base36, given[i]) : NULL;

		if (!d || __builtin_mul_overflow(value, 36, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(d - base36), &value))
			return -1;
	}
	/* Compared as text, so that only the one spelling of an id (no leading zeros) is taken. */
	token_make(k, kind, (int64_t)value, made);
	if (strlen(made) != n || sodium_memcmp(given, made, n) != 0)
		return -1;
	*id = (int64_t)value;
	return 0;
}

static void digest(const struct key *k, const void *p, size_t n, char out[DIGEST_HEX])
{
	unsigned char sum[(DIGEST_HEX - 1) / 2];

	ready();
	crypto_generichash(sum, sizeof(sum), p, n, k ? k->byte : NULL, k ? sizeof(k->byte) : 0);
	sodium_bin2hex(out, DIGEST_HEX, sum, sizeof(sum));
}

void digest_hex(const void *p, size_t n, char out[DIGEST_HEX])
{
	digest(NULL, p, n, out);
}

void digest_keyed_hex(const struct key *k, const void *p, size_t n, char out[DIGEST_HEX])
{
	digest(k, p, n, out);
}
