/* The scheduler's own parts. One turn is one group commit:
 *
 *   finished jobs -> recorded        (record.c)
 *   bodies written -> re-checked, handed or withdrawn
 *   free slots     -> due enrollment -> decided (decide.c) -> composed (compose.c) -> reserved
 *   commit
 *   dots, envelopes and withdrawals leave
 */
#ifndef ABV_SCHEDULER_INT_H
#define ABV_SCHEDULER_INT_H

#include <sys/queue.h>

#include "abv/scheduler.h"

#ifndef TAILQ_FOREACH_SAFE /* glibc's <sys/queue.h> lacks it */
#define TAILQ_FOREACH_SAFE(var, head, field, next) \
	for ((var) = TAILQ_FIRST(head); (var) != NULL && ((next) = TAILQ_NEXT(var, field), 1); (var) = (next))
#endif

#define DUE_MAX 4096       /* due enrollments held in memory in their order of priority and due time */
#define FAILED_MAX 64
#define DECISIONS_MAX 256  /* decisions in one turn, so that the loop goes on turning while thousands wait */

enum job_state {
	JOB_STARTING,  /* reserved in the open transaction; its envelope leaves after the commit */
	JOB_STARTED,   /* the delivery has it */
	JOB_BODY,      /* body written; wants its dot */
	JOB_HANDING,   /* `handed` in the open transaction; its dot leaves after the commit */
	JOB_WITHDRAWING, /* a rule said no before the dot; the connection is closed after the commit */
	JOB_DOT,       /* the dot was let go */
	JOB_FINISHED,  /* outcome known, not recorded */
	JOB_RECORDED   /* recorded in the open transaction */
};

struct test_send {
	void (*done)(void *arg, const struct delivery_result *result, const char *failure);
	void *arg;
};

/* A message on its way: from the reservation until its outcome is committed. */
struct job {
	struct delivery_job delivery;  /* first: the delivery's pointer is ours */
	TAILQ_ENTRY(job) link;         /* in scheduler.jobs, in order of reservation */
	enum job_state state;
	struct message message;
	struct buf data;               /* message.data */
	struct delivery_slot *slot;    /* JOB_STARTING on an idle connection */
	struct job *next;              /* JOB_HANDING: the envelope that leaves with the dot */
	bool takes_next;
	struct test_send *test;        /* a message outside the store; owned */
	int64_t note_id;               /* a note to on_reply.notify (notes.c); 0: it is none */
	int64_t note_created;
	int32_t note_tries;
	struct enrollment_row *row;    /* as it was decided on; owned; true while `version` is the store's (job_row) */
	int64_t version;
	int64_t enrollment_id, contact_id, account_id;
	char *sequence, *step;         /* owned: the plan may be swapped meanwhile */
	int32_t step_no;
	int64_t first_touch_at;        /* of the contact before this one; 0 none */
	int32_t unanswered;            /* likewise */
	enum kind kind;
	char *account;                 /* owned */
	char content[DIGEST_HEX];
	char message_id[TOKEN_MAX + MAILADDR_MAX];
	char vouched[160];             /* who lets it pass against the gate's model; "" nobody has to */
	bool outdated;                 /* reserved under a policy that a reload has changed since: its dot must not leave */
	int64_t reserved_at, handed_at, dot_at, done_at;
	struct delivery_result result; /* reply and status point into the two below */
	char status[16];
	char reply[512];
};
TAILQ_HEAD(job_list, job);

struct due_entry {
	int64_t enrollment_id, due_at;
	int32_t priority;
	uint32_t list;     /* of the waiting list that it was the head of, from 1; 0 none */
	bool failed;
};

/* It could go, but there was no connection for it yet. */
struct ready_entry {
	int64_t enrollment_id; /* 0: gone */
	uint32_t list;
};

/* Waiting lists: slots.c. Rows are never taken out while the scheduler lives, so their numbers stay. */
#define SLOT_HEADS 64 /* so many of a list are asked at once */
struct slot_list {
	char *sequence, *slot; /* owned */
	int64_t at;            /* when its head is to be asked; CLOCK_NEVER: it is empty */
	bool rests_on_flight;
};
struct slots {
	struct slot_list *row;
	size_t n;
	uint32_t *place;       /* open addressing: number of the row + 1, 0 empty */
	size_t places;         /* a power of two */
};

/* smtp.rate, over what was sent and what is on its way; policy time. */
struct rate {
	struct limit limit;  /* n 0: none */
	int64_t *sent;       /* the last limit.n times, a ring */
	int32_t head, n;
};

/* Values of the setting "paused": three 5yz did it, or the circuit breaker. */
#define PAUSED_BY_REFUSALS "relay_refusals"
#define PAUSED_BY_BOUNCES "bounce_rate"
#define PAUSED_BY_COMPLAINTS "complaint_rate"

struct withheld {
	int64_t touch_id, contact_id;
};

struct pause_set {
	bool all, refusals;
	char why[32];                  /* the setting's value: "manual", or which of PAUSED_BY_ */
	char **sequence;
	size_t n;
};

/* One combination of a template's sections that the gate has passed: kept while the plan lives. */
#define JUDGED_MAX 1024
struct judged {
	const struct template *template; /* NULL: free */
	int variant;
	bool vouched;                    /* only because somebody vouches for it */
};

struct scheduler {
	struct store *store;
	const struct clock *clock;
	const struct plan *plan;
	struct scheduler_hooks hooks;
	const struct delivery *delivery;   /* NULL before it is set */
	struct job_list jobs;
	int job_n;                         /* all jobs, tests too */
	struct delivery_slot **slot;       /* offered, unused, in order of their offer */
	size_t slot_n;
	struct due_entry *due;             /* DUE_MAX rows; due_at.. from due_next on are to be decided */
	struct due_row *due_row;           /* DUE_MAX rows, reused by each reading */
	size_t due_n, due_next;
	bool due_cut;                      /* there was more than fits */
	bool due_stale;                    /* read again */
	int64_t next_due;                  /* the earliest next_at that is known to lie ahead */
	int64_t due_read_mono;             /* when it was read */
	bool flowing;                      /* messages went on in this turn */
	bool due_more;                     /* a turn ended at DECISIONS_MAX */
	int64_t turn_no;                   /* from 1 */
	int64_t recheck_before; int streak_before; bool confirm_before; /* as they were when the turn began: a commit that fails takes them back */
	int64_t rate_at;                   /* the rate allows the next message then; 0 it does not bind */
	struct slots slots;
	int64_t asked;                     /* decisions since the start: what waiting costs */
	struct ready_entry *ready;         /* enrollments that could go but found no connection yet */
	size_t ready_n, ready_max;
	struct rate rate;
	struct pause_set paused;
	bool breaker_idle;                 /* neither bounce nor complaint counts: sends need not be judged */
	int streak;                        /* 5yz in a row without an acceptance */
	bool confirm;                      /* sending was resumed: the next outcome carries out what is withheld */
	struct withheld *withheld;         /* hard bounces whose consequence is withheld (streak.c) */
	size_t withheld_n;
	bool shared_caps;                  /* some cap counts everybody's touches: provider, sender, warm-up */
	int64_t seen_now, seen_mono;       /* at the last turn: a jump of the clock is seen by them */
	int64_t recheck_after;             /* the clock has jumped: enrollments with greater ids are still to be asked again; -1 none */
	bool committing, finishing, failing;
	bool held;                         /* scheduler_hold */
	bool failed_told;                  /* its end has not been told yet */
	char failed_why[256];              /* of the last commit that failed */
	int64_t failed_wait, failed_until; /* the back-off, ms; until then (monotonic) nothing is tried */
	bool relay_usable, tests_failed;
	int64_t failed[FAILED_MAX];        /* enrollments whose message was lost with its connection: they go behind the others (ring) */
	int failed_at;
	char relay_why[256], relay_told_why[256];
	bool relay_told;                   /* the log has a line of the trouble that there is */
	int64_t relay_told_at;             /* monotonic: of its last line */
	struct rendered rendered;          /* reused */
	struct buf composed;               /* likewise */
	struct judged *judged;             /* JUDGED_MAX rows, by hash */
	int judged_n;
	bool asks;                         /* some step of the plan is an ask: gifts can be waited for */
	int64_t tests;                     /* numbers test messages */
	int64_t note_first;                /* when a note is to be tried next; CLOCK_NEVER: none waits */
	int notes_waiting;                 /* so many could go but found no connection */
};

/* ---- decide.c ---- */
struct candidate {
	struct enrollment_row *row;        /* owned */
	const struct plan_sequence *sequence; /* NULL: not in the plan */
	int step;                          /* index; -1: the step is not in the sequence any more */
	struct touch *touch;               /* owned; the step's touch when it was tried before */
	struct verdict verdict;
	int64_t first_touch_at;            /* as the governor saw them: what a further touch makes of them */
	int32_t unanswered;
};
/* Reads and decides. 1: *out is filled (candidate_free), 0: nothing to decide (ended, not yet, in flight), -1 error.
 * ask_early: decide although next_at has not come (explain). */
int scheduler_decide(struct scheduler *s, int64_t enrollment_id, int64_t now, bool ask_early, struct candidate *out, struct err *e);
int scheduler_decide_plain(struct scheduler *s, int64_t enrollment_id, int64_t now, bool ask_early, struct candidate *out, struct err *e); /* without rank_yield */
int scheduler_decide_row(struct scheduler *s, struct enrollment_row *row, int64_t now, struct candidate *out, struct err *e);
void candidate_free(struct candidate *c);
/* What the governor is asked about a candidate whose sequence and step are in the plan. Its history is the store's, until the next
 * store_history; it points into itself, so it is not moved. */
struct asked {
	struct standing standing;
	struct history history;
	struct governor_input in;
};
int scheduler_asked(struct scheduler *s, const struct candidate *c, int64_t now, struct asked *out, struct err *e);
/* May the dot leave? Stop, hold, suppression, consent and window as they are now, and only under the policy it was reserved under. */
int scheduler_may_hand(struct scheduler *s, struct job *j, int64_t now, bool *yes, struct err *e);
bool pause_has(const struct pause_set *p, const char *sequence);
void pause_load(struct scheduler *s);
void pause_clear(struct pause_set *p);

/* ---- rank.c ---- */
int rank_yield(struct scheduler *s, struct candidate *c, int64_t now, struct err *e); /* to a higher one of the same contact */

/* ---- compose.c ---- */
enum composed { COMPOSED, COMPOSED_REFUSED /* wait: gate or placeholder */, COMPOSED_REPEAT /* skip */, COMPOSED_ERROR };
/* Fills the job's message, content, message_id and kind from the candidate. REFUSED: *why, and `findings` holds a JSON array. */
enum composed scheduler_compose(struct scheduler *s, const struct candidate *c, int64_t now, struct job *j, enum reason *why, struct buf *findings, struct err *e);
enum composed scheduler_compose_test(struct scheduler *s, const struct plan_sequence *q, int step, const struct contact *c, int64_t now, struct job *j, struct err *e);
/* The gate's word on the letter that was rendered last, from `t`. */
void scheduler_judge(const struct scheduler *s, const struct template *t, struct gate_result *out);

/* ---- record.c: each writes into the open transaction ---- */
int record_wait(struct scheduler *s, const struct candidate *c, const struct verdict *v, int64_t now, struct err *e);
int record_skip(struct scheduler *s, const struct candidate *c, enum reason why, int64_t now, struct err *e);
int record_stop(struct scheduler *s, const struct enrollment *en, enum reason why, int64_t now, struct err *e);
int record_refused_content(struct scheduler *s, const struct candidate *c, enum reason why, const struct buf *findings, int64_t now, struct err *e);
int record_finished(struct scheduler *s, int64_t now, struct err *e);
int record_unknown(struct scheduler *s, const struct touch *t, int64_t at, struct err *e); /* after a crash */
int record_recovery(struct scheduler *s, struct err *e);
/* The enrollment goes to the step behind `step_no`/`step`, whose `after` runs from `at`; or it completes, now. It is asked about when that
 * is due, or at ends_at, when the contact is released before (CLOCK_NEVER: not known). */
int record_advance(struct scheduler *s, const struct enrollment *en, const struct contact *c, const char *step, int32_t step_no, int64_t at, int64_t now,
                   int64_t ends_at, struct err *e);
void scheduler_note_due(struct scheduler *s, int64_t next_at); /* something will be due then */

int record_stop_all(struct scheduler *s, int64_t contact_id, enum reason why, int64_t now, struct err *e); /* every enrollment of the contact */
/* Whom an event is about, beside its contact_id. */
struct whose {
	const char *email; /* the contact's as stored; "": not at hand */
	const char *account;
};
static inline struct whose whose(const struct contact *c)
{
	return c != NULL ? (struct whose){ c->email, c->account } : (struct whose){ "", "" };
}
/* An event of an enrollment; kind -1: none. Frees the detail. */
int record_event(struct scheduler *s, enum event_type type, const struct enrollment *en, struct whose who, int kind, int64_t touch, int64_t ts,
                 struct buf *detail, struct err *e);

/* ---- streak.c: 5yz in a row ---- */
void streak_load(struct scheduler *s);                                   /* what the store says is withheld */
bool streak_withholds(const struct scheduler *s, int64_t contact_id);
int streak_withhold(struct scheduler *s, const struct job *j, const struct enrollment_row *row, struct err *e);
int streak_before(struct scheduler *s, int64_t now, struct err *e);      /* before an outcome is recorded */
int streak_after(struct scheduler *s, const struct job *j, int64_t now, struct err *e);
int streak_rest(struct scheduler *s, int64_t now, struct err *e);        /* carries out what nothing in flight or due could confirm */
bool streak_rests(const struct scheduler *s);

/* ---- slots.c ---- */
/* Does this wait belong into a waiting list, and into which? */
bool slot_of(const struct candidate *c, const struct verdict *v, const char **slot);
void slots_note(struct scheduler *s, const char *sequence, const char *slot, int64_t at, bool rests_on_flight);
int slots_load(struct scheduler *s, struct err *e);
void slots_free(struct slots *t);
void slots_due(struct scheduler *s, int64_t now);
bool slots_closed(const struct scheduler *s, uint32_t list, int64_t now); /* its last word was: wait */
void slots_ask_all(struct scheduler *s, int64_t now, bool resting_only);  /* something changed that their instants rested on */

/* ---- breaker.c: a failure (BOUNCES or COMPLAINTS) is counted; too many pause sending ---- */
int breaker_count(struct scheduler *s, enum store_hour what, int64_t at, int64_t now, struct err *e); /* at: of the send */
/* Before more is sent: sends were added since, or older ones have left the seven days. */
int breaker_look(struct scheduler *s, int64_t now, struct err *e);

/* ---- rate.c ---- */
void rate_set(struct scheduler *s, struct limit l);
void rate_note(struct rate *r, int64_t at);
/* 0: another may go now; else the instant from which one may (CLOCK_NEVER: when one in flight ends). */
int64_t rate_wait(const struct rate *r, int in_flight, int64_t now);
void rate_free(struct rate *r);

/* ---- relay.c: a back-off of the relay began (usable false) or ended ---- */
void relay_news(struct scheduler *s, bool usable, const char *why, int64_t retry_in_ms);

/* ---- turn.c ---- */
/* The job, which is new, takes a place for an envelope. False: there is none. */
bool scheduler_place(struct scheduler *s, struct job *j);
void scheduler_due_read(struct scheduler *s, int64_t now);
void scheduler_tests_end(struct scheduler *s, const char *why);

/* ---- failing.c: a store that cannot commit ---- */
void failing_note(struct scheduler *s, const char *why);
int64_t failing_wait(const struct scheduler *s); /* ms until it is tried again; 0 now, or it is not failing */
int64_t failing_tell(struct scheduler *s);       /* that it is over; ms until it is to be told, CLOCK_NEVER: there is nothing to tell */

/* ---- jump.c: the clock has jumped ---- */
void jump_look(struct scheduler *s, int64_t now);
int jump_recheck(struct scheduler *s, int64_t now, struct err *e); /* a slice, in the open transaction */

/* ---- notes.c: notes to on_reply.notify ---- */
int notes_recover(struct scheduler *s, struct err *e);                    /* at the start, in a transaction of its own */
void notes_load(struct scheduler *s);                                     /* what the store says is waiting */
int notes_fill(struct scheduler *s, int64_t now, struct err *e);          /* those that are due take connections */
int note_hand(struct scheduler *s, const struct job *j, bool *yes, struct err *e);
int note_finished(struct scheduler *s, struct job *j, int64_t now, struct err *e);

/* ---- job.c ---- */
struct job *job_new(struct scheduler *s);
void job_free(struct scheduler *s, struct job **j);
int job_in_flight(const struct scheduler *s); /* without tests and notes */
bool job_is_letter(const struct job *j);      /* of a sequence: no test, no note */
/* The job's enrollment and contact as they are now: read again only when something may have changed them. 1 / 0 / -1 as store_enrollment;
 * *fresh (may be NULL): nothing has changed since the decision. */
int job_row(struct scheduler *s, struct job *j, bool *fresh, struct err *e);

#endif
