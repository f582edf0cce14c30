/* What the files of this room share. */
#ifndef ABV_DAEMON_INT_H
#define ABV_DAEMON_INT_H

#include <event2/event.h>

#include "abv/check.h"
#include "abv/clock.h"
#include "abv/inbox.h"
#include "abv/journal.h"
#include "abv/netloop.h"
#include "abv/scheduler.h"
#include "abv/sender.h"
#include "abv/store.h"
#include "abv/web.h"
#include "daemon.h"

enum { SIGNAL_HUP, SIGNAL_USR1, SIGNAL_TERM, SIGNAL_INT, SIGNAL_N };

/* What is wrong with the disks; disk.c. */
struct disk {
	char log_why[512];       /* the engagement log cannot be written; "" it can */
	const char *full;        /* the store's or the log's path, where hardly anything is free; NULL: there is room */
	int64_t free;            /* bytes there */
	bool backlog, backlog_long, held, retrying, damaged;
	int64_t wait, looked;    /* the back-off, ms; when it was looked (monotonic) */
	struct event *timer;
};

struct daemon {
	struct daemon_options options;
	struct clock clock;
	struct event_base *base;
	struct plan *plan;
	struct store *store;
	struct journal *journal;
	struct netloop *net;
	struct sender *sender;
	struct scheduler *scheduler;
	struct inbox *inbox;      /* NULL once the end has begun */
	struct control *control;
	struct event *turn;       /* lowest priority: after the sockets that are ready */
	struct event *turn_latest; /* the same, when sockets are ready all the time */
	struct event *turn_timer;
	struct event *sync_timer; /* fsync of the engagement log, pruning */
	struct event *watchdog;   /* NULL without systemd's watchdog */
	struct event *stop_timer;
	struct event *signal[SIGNAL_N];
	struct disk disk;
	bool stopping;
	int64_t stop_mono;        /* when waiting for answers ends */
};

/* ---- wiring.c: the rooms' callbacks ---- */
void wiring_hooks(struct daemon *d, struct scheduler_hooks *out);
void wiring_control(struct daemon *d, struct control_ops *out);
/* Records an event of the service itself in a transaction of its own. */
int wiring_event(struct daemon *d, enum event_type type, const char *detail, struct err *e);
int wiring_config_loaded(struct daemon *d, struct err *e);
void wiring_flush(struct daemon *d);
void wiring_sync(struct daemon *d);

/* ---- disk.c ---- */
void disk_open(struct daemon *d);
void disk_look(struct daemon *d);                        /* cheap; before each turn and now and then */
bool disk_log_rests(const struct daemon *d);             /* it failed and is not to be tried yet */
void disk_log_failed(struct daemon *d, const char *why);
void disk_log_good(struct daemon *d);                    /* written and synced */
void disk_status(const struct daemon *d, struct buf *json);

/* ---- recover.c: --recover. 0, or the exit status. ---- */
void damage_note(const char *store);   /* a mark beside the store: no start takes it while that stands */
void damage_forget(const char *store);
int recover_file(struct daemon *d);  /* the backup takes the store's place; what stood there is kept aside */
int recover_store(struct daemon *d); /* and catches up with the log */

/* ---- mail.c: received mail ---- */
int mail_open(struct daemon *d, struct err *e);
int mail_deliver(void *daemon, const char *bytes, size_t n, struct buf *json, struct err *e); /* control_ops.deliver */
void mail_status(struct daemon *d, struct buf *json);

/* ---- start.c: in the order of 9-precisions, Start and stop. 0, or the exit status. ---- */
int start_plan(const char *path, struct plan **out);
int start_all(struct daemon *d);
void start_undo(struct daemon *d); /* frees everything, whatever was started */

#endif
