/* IMAP4rev1 (RFC 3501, 9051), as much as reading one mailbox needs. imap_read.c and imap_wire.c know no sockets; imap_later.c keeps
 * what must be tried again; imap.c opens, logs in and selects; imap_work.c reads, marks and waits. */
#ifndef INBOX_IMAP_INT_H
#define INBOX_IMAP_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/netloop.h"
#include "source_int.h"

/* ---- imap_read.c: responses out of lines and literals ---- */

#define IMAP_TEXT_MAX ((size_t)65536) /* of a line, and of a whole response without its literals */
#define IMAP_BODY_MAX INBOX_SIZE_MAX

enum imap_kind { IMAP_UNTAGGED, IMAP_TAGGED, IMAP_CONTINUE };
enum imap_word {
	IMAP_OTHER, /* what this client has no use for */
	IMAP_OK,
	IMAP_NO,
	IMAP_BAD,
	IMAP_BYE,
	IMAP_PREAUTH,
	IMAP_CAPABILITY,
	IMAP_EXISTS,
	IMAP_FETCH
};
enum imap_body {
	IMAP_BODY_NONE, /* the response holds no BODY[] */
	IMAP_BODY_NIL,
	IMAP_BODY_WHOLE,
	IMAP_BODY_CUT /* more than IMAP_BODY_MAX: not kept */
};

struct imap_response {
	enum imap_kind kind;
	enum imap_word word;
	const char *tag;  /* IMAP_TAGGED; "" */
	const char *code; /* what stands in [ ], "" */
	const char *text; /* what follows: for people, or a CAPABILITY's list */
	uint32_t number;  /* EXISTS */
	uint32_t uid;     /* FETCH; 0: none */
	uint64_t size;    /* RFC822.SIZE */
	bool has_size;
	enum imap_body body;
};

enum imap_read {
	IMAP_READ_MORE,     /* `literal` bytes follow (0: none), then a line */
	IMAP_READ_RESPONSE, /* `response`, until the next call */
	IMAP_READ_BAD       /* `fault`: nothing may be read after it */
};

/* Start with zeros. */
struct imap_reader {
	bool want_body; /* else a BODY[] is read and dropped */
	uint64_t literal;
	const char *fault;
	struct imap_response response;
	struct buf body; /* IMAP_BODY_WHOLE: the message. The owner may take it */
	/* its own */
	struct buf text;     /* of the response so far; a literal is one byte, 1 */
	int literals;        /* in it */
	int body_at;         /* which of them the body is; -1 none */
	bool keep, body_cut; /* the literal under way; the body was too large */
};
enum imap_read imap_reader_line(struct imap_reader *r, const char *line, size_t n);
void imap_reader_bytes(struct imap_reader *r, const char *p, size_t n);
void imap_reader_free(struct imap_reader *r);

/* "UIDNEXT 7" of a response code: is it that word, and what number? */
bool imap_code_is(const char *code, const char *word);
bool imap_code_number(const char *code, const char *word, uint32_t *out);

/* ---- imap_wire.c: what is written ---- */

struct imap_can { bool idle, move, uidplus, sasl_ir, auth_plain, login_disabled; };
void imap_capabilities(const char *list, struct imap_can *out);
void imap_quoted(struct buf *b, const char *text);         /* "..." (RFC 3501, quoted) */
void imap_mailbox_name(struct buf *b, const char *utf8);   /* quoted, in modified UTF-7 (RFC 3501 5.1.3) */
void imap_sasl_plain(struct buf *b, const char *user, const char *password); /* RFC 4616, in base64 */
bool imap_may_write(const char *text);                     /* no CR, LF */
void imap_clean(char *text);                               /* a server's words for a log: nothing that a terminal obeys */

/* ---- imap_later.c: the cursor, and messages that are tried again ---- */

#define IMAP_LATER_MAX 64

struct imap_later {
	struct { uint32_t uid; int tries, refused; int64_t due; } row[IMAP_LATER_MAX]; /* in no order; due: clock_mono */
	int n;
};
/* Once more: `due` grows with each try. False: there is no room. refused: the server would not give it. */
bool imap_later_add(struct imap_later *l, uint32_t uid, bool refused, int64_t now, const struct inbox_pace *p);
void imap_later_remove(struct imap_later *l, uint32_t uid);
int imap_later_refused(const struct imap_later *l, uint32_t uid); /* how often */
uint32_t imap_later_due(const struct imap_later *l, int64_t now);  /* 0: none */
int64_t imap_later_next(const struct imap_later *l);               /* CLOCK_NEVER: none */
/* The highest UID up to which everything is done when `done` is: below all that wait but it. */
uint32_t imap_later_cursor(const struct imap_later *l, uint32_t last, uint32_t done);

#define IMAP_CURSOR_MAX 32
bool imap_cursor_parse(const char *text, uint32_t *validity, uint32_t *uid);

/* ---- the session ---- */

#define IMAP_LIST_MAX 1024

enum imap_state {
	IMAP_DOWN,    /* waits for the back-off's end */
	IMAP_OPENING, /* libcurl connects */
	IMAP_BUSY,    /* `command` is under way */
	IMAP_IDLING,  /* so it is, and the server tells what comes */
	IMAP_WAITING, /* nothing to do until the next poll or try */
	IMAP_STATE_COUNT
};

enum imap_command {
	IMAP_CMD_NONE,
	IMAP_CMD_CAPABILITY,
	IMAP_CMD_LOGIN,
	IMAP_CMD_SELECT,
	IMAP_CMD_LIST,
	IMAP_CMD_FETCH,
	IMAP_CMD_SEEN,
	IMAP_CMD_MOVE,
	IMAP_CMD_COPY,
	IMAP_CMD_DELETED,
	IMAP_CMD_EXPUNGE,
	IMAP_CMD_NOOP,
	IMAP_CMD_IDLE,
	IMAP_CMD_COUNT
};

enum imap_after { IMAP_AFTER_NOTHING, IMAP_AFTER_SEEN, IMAP_AFTER_MOVE };

struct imap_listed { uint32_t uid; bool large; };

struct imap {
	struct event_base *base; /* borrowed, as net */
	struct netloop *net;
	struct inbox_hooks hooks;
	const struct inbox_pace *pace; /* the inbox's */
	/* the configuration, owned */
	char *url, *host, *mailbox, *username, *password, *ca_file, *after_text;
	int port;
	bool implicit_tls;
	enum tls_mode tls;
	enum imap_after after;
	char *source; /* the name that the cursor is kept under */

	enum imap_state state;
	enum imap_command command;
	struct netconn *conn; /* owned; not null from OPENING on */
	struct imap_reader reader;
	struct imap_can can;
	char tag[16];
	unsigned tags;
	struct event *limit; /* of the connection attempt's dialogue: silence, and the command's end */
	struct event *wake;  /* back-off, poll, IDLE's renewal, the next try */
	int64_t opened, begun, heard, idle_since; /* clock_mono: the session, the command, the last byte */
	int64_t selected; /* the mailbox was, last; 0: not yet in this session */
	int failures;
	bool logged_in, capabilities_known, plain_waits, idle_ending, mark_told;

	/* the mailbox */
	uint32_t validity;              /* 0: not known yet */
	uint32_t seen_validity, uidnext; /* what SELECT said; 0: nothing */
	uint32_t last;                  /* all up to it were fetched, stepped over, or wait in `later` */
	bool news;                      /* more than `last` may be there */
	uint32_t window, list_to;       /* UIDs of the next list, the end of this one (0: open) */
	bool list_cut;
	struct imap_listed list[IMAP_LIST_MAX];
	int list_n, list_at;
	int fruitless; /* lists and IDLEs in a row that brought nothing */
	struct imap_later later;
	int later_row;       /* messages in a row that come later: the store is in trouble */
	uint32_t fetching;
	struct buf body;
	enum imap_body body_is;
	uint32_t lost_at;    /* the connection broke while this one was fetched */
	int lost_n;
	uint32_t mark;       /* done, and still to be marked or moved; survives a lost connection */

	int64_t messages; /* processed */
	char error[256];  /* the last one; "" while all is well */
};

const char *imap_state_name(enum imap_state st);

/* Sends TAG and the text, and waits for its end. The secret ones wipe it. */
void imap_send(struct imap *s, enum imap_command c, struct buf *text);
void imap_command(struct imap *s, enum imap_command c, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void imap_move(struct imap *s, enum imap_state to);
/* The session ends: closed, and opened again after a back-off. */
void imap_end(struct imap *s, bool refused, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void imap_limit(struct imap *s, bool on);
void imap_select(struct imap *s);

/* imap_work.c: from SELECT's OK on */
void imap_selected(struct imap *s);
void imap_next(struct imap *s);                                            /* nothing is under way: what now? */
void imap_work_untagged(struct imap *s, const struct imap_response *r);
void imap_work_done(struct imap *s, const struct imap_response *r);        /* the command's end, of those after SELECT */
void imap_work_continue(struct imap *s);
void imap_work_wake(struct imap *s);
void imap_work_lost(struct imap *s);                                       /* before a session ends */

#endif
