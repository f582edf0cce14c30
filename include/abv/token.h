/* L0. MACs and digests (libsodium): tokens that only we could have made, and hashes that let text be compared. */
#ifndef ABV_TOKEN_H
#define ABV_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES 32
#define TOKEN_MAX 40   /* with the NUL */
#define DIGEST_HEX 33  /* 16 bytes in hexadecimal, and the NUL */

struct key {
	unsigned char byte[KEY_BYTES];
};

enum token_kind { TOKEN_MESSAGE = 'm', TOKEN_BOUNCE = 'b', TOKEN_REPLY = 'r', TOKEN_UNSUBSCRIBE = 'u' };

void key_generate(struct key *k);

/* Lower-case letters, digits and one '-' only: survives case folding and is valid in a local part and in a Message-ID.
 * The MAC covers kind and id (80 bits). */
void token_make(const struct key *k, enum token_kind kind, int64_t id, char out[TOKEN_MAX]);

/* 0 and the id, or -1 for anything that token_make did not make with this key and kind. Case-insensitive, constant time. */
int token_read(const struct key *k, enum token_kind kind, const char *text, size_t n, int64_t *id);

void digest_hex(const void *p, size_t n, char out[DIGEST_HEX]);
void digest_keyed_hex(const struct key *k, const void *p, size_t n, char out[DIGEST_HEX]);

#endif
