/* What inbox.c knows of its sources, and the times they keep. All of it is protocol time: monotonic, never scaled. */
#ifndef INBOX_SOURCE_INT_H
#define INBOX_SOURCE_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "abv/buf.h"
#include "abv/config.h"
#include "abv/inbox.h"

struct event;

/* ms. Tests make them short. */
struct inbox_pace {
	int64_t connect;                     /* until the dialogue is ours */
	int64_t silence, command;            /* a server that says nothing; that does not come to an end */
	int64_t idle;                        /* IDLE is renewed: less than 29 min (RFC 2177), and before a router forgets us */
	int64_t poll;                        /* IMAP without IDLE */
	int64_t backoff_first, backoff_most; /* reconnecting */
	int64_t backoff_auth;                /* the login was refused: asking often locks accounts */
	int64_t settled;                     /* a connection that held this long was no failure */
	int64_t retry_first, retry_most;     /* a message that comes later */
	int64_t rescan;                      /* Maildir: a scan though nothing was told */
	int64_t absent;                      /* Maildir: looking for a directory that is not there */
	int64_t settle;                      /* Maildir: a file made in new/ itself is written to until then */
};
void inbox_pace_default(struct inbox_pace *p);

/* For tests: right behind inbox_open, before the loop runs. */
void inbox_set_pace(struct inbox *i, const struct inbox_pace *p);

/* In `ms` from now, whatever was set before. */
void source_timer_set(struct event *timer, int64_t ms);

/* ms doubled `times` times, at most `most`. */
int64_t source_backoff(int64_t ms, int times, int64_t most);

/* ---- imap.c ---- */
struct imap;
struct imap *imap_new(struct event_base *base, struct netloop *net, const struct config_inbox *c, const struct inbox_hooks *hooks,
		      const struct inbox_pace *pace);
bool imap_is_configured_as(const struct imap *s, const struct config_inbox *c);
void imap_status(const struct imap *s, struct buf *json); /* an object's members */
void imap_free(struct imap **s);

/* ---- maildir.c ---- */
struct maildir;
struct maildir *maildir_new(struct event_base *base, const char *path, const struct inbox_hooks *hooks, const struct inbox_pace *pace);
bool maildir_is_at(const struct maildir *m, const char *path);
void maildir_status(const struct maildir *m, struct buf *json);
void maildir_free(struct maildir **m);

#endif
