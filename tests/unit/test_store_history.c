/* rooms: base model rules store */
/* store_history against the plain meaning of the header, on random lives of random touches under random policies, with
 * rollbacks and reopenings in between; and how far it reads. */
#include "../../src/store/store_int.h"
#include "store_dir.h"

#define CONTACTS 12
#define TOUCHES  400
#define STEPS    6000

/* ---- the model: all touches in an array ---- */

struct life {
	int64_t id, at;
	int contact; /* from 0 */
	enum touch_state state;
	enum kind kind;
};

struct model {
	struct life touch[TOUCHES];
	int n;
	int64_t now, engaged[CONTACTS];
};

static uint64_t seed;

static int pick(int n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int)((seed >> 33) % (uint64_t)n);
}

/* Contact i is of account i / 3 + 1, the last three of none; provider i % 4. */
static int64_t account_of(int contact)
{
	return contact < CONTACTS - 3 ? contact / 3 + 1 : 0;
}

static void email_of(int contact, char out[64])
{
	snprintf(out, 64, "u%d@provider%d.example", contact, contact % 4);
}

/* ---- random changes, the same to the store and to the model ---- */

static void put_all(struct store_dir *d)
{
	begin(d);
	for (int i = 0; i < CONTACTS; i++) {
		char email[64], account[64] = "";

		email_of(i, email);
		if (account_of(i))
			snprintf(account, sizeof(account), "account%lld", (long long)account_of(i));
		assert_int_equal(put(d, email, account), i + 1);
	}
	commit(d);
}

static void act_new(struct store_dir *d, struct model *m)
{
	struct life *l = &m->touch[m->n];
	char sequence[16], email[64];
	struct touch t;

	if (m->n == TOUCHES)
		return;
	*l = (struct life){ .contact = pick(CONTACTS),
			    .state = TOUCH_RESERVED,
			    .kind = pick(3) ? KIND_VALUE : KIND_ASK,
			    .at = m->now };
	snprintf(sequence, sizeof(sequence), "s%d", m->n); /* an enrollment of its own for each touch */
	l->id = store_touch_new_id(d->s);
	t = touch_of(l->id, enroll(d, l->contact + 1, sequence, T0), l->contact + 1, account_of(l->contact));
	email_of(l->contact, email);
	t.provider = mailaddr_domain(email);
	t.kind = l->kind;
	OK(d, store_touch_reserve(d->s, &t, m->now, &d->e));
	m->n++;
}

static void act_move(struct store_dir *d, struct model *m)
{
	struct life *l = m->n ? &m->touch[pick(m->n)] : NULL;
	enum touch_state to = TOUCH_STATE_COUNT;
	struct touch t;
	char email[64];

	if (!l)
		return;
	switch (l->state) {
	case TOUCH_RESERVED: to = pick(4) ? TOUCH_HANDED : TOUCH_DUE; break;
	case TOUCH_HANDED:
		to = (enum touch_state[]){ TOUCH_ACCEPTED, TOUCH_ACCEPTED, TOUCH_UNKNOWN, TOUCH_REFUSED_TEMP,
					   TOUCH_REFUSED_PERM }[pick(5)];
		break;
	case TOUCH_UNKNOWN: to = (enum touch_state[]){ TOUCH_ACCEPTED, TOUCH_DUE, TOUCH_DROPPED }[pick(3)]; break;
	case TOUCH_DUE:
	case TOUCH_REFUSED_TEMP: to = TOUCH_RESERVED; break;
	default: return;
	}
	if (to == TOUCH_HANDED) {
		OK(d, store_touch_hand(d->s, l->id, m->now, &d->e));
	} else if (to == TOUCH_RESERVED) {
		struct touch *old = NULL;

		assert_int_equal(store_touch(d->s, l->id, &old, &d->e), 1);
		t = touch_of(l->id, old->enrollment_id, l->contact + 1, account_of(l->contact));
		touch_free(&old);
		email_of(l->contact, email);
		t.provider = mailaddr_domain(email);
		t.kind = l->kind;
		OK(d, store_touch_reserve(d->s, &t, m->now, &d->e));
	} else {
		OK(d, store_touch_set(d->s, l->id, to, m->now - pick(2) * CLOCK_HOUR, 0, "", &d->e));
	}
	l->state = to;
}

/* What the store says the time of a settled touch is: it was chosen at random above. */
static void sync_times(struct store_dir *d, struct model *m)
{
	for (int i = 0; i < m->n; i++) {
		struct touch *t = NULL;

		assert_int_equal(store_touch(d->s, m->touch[i].id, &t, &d->e), 1);
		assert_int_equal(t->state, m->touch[i].state);
		m->touch[i].at = t->at;
		touch_free(&t);
	}
}

/* ---- what is expected ---- */

struct all {
	struct past_touch row[TOUCHES];
	int n, flying;
	int32_t unanswered;
	int64_t first;
};

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct past_touch *)a)->at, y = ((const struct past_touch *)b)->at;

	return x > y ? -1 : x < y;
}

enum of { CONTACT, ACCOUNT, PROVIDER, SENDER };

static void all_of(const struct model *m, enum of of, int contact, int64_t exclude, struct all *out)
{
	*out = (struct all){ .n = 0 };
	for (int i = 0; i < m->n; i++) {
		const struct life *l = &m->touch[i];
		bool flies = l->state == TOUCH_RESERVED || l->state == TOUCH_HANDED;
		bool same = of == SENDER || (of == CONTACT && l->contact == contact) ||
			    (of == PROVIDER && l->contact % 4 == contact % 4) ||
			    (of == ACCOUNT && account_of(contact) && account_of(l->contact) == account_of(contact));

		if (!same || l->id == exclude || !touch_state_counts(l->state))
			continue;
		out->row[out->n++] =
		    (struct past_touch){ .at = flies ? CLOCK_NEVER : l->at, .state = l->state, .kind = l->kind };
		out->flying += flies;
		out->unanswered += flies || l->at > m->engaged[contact];
		if (!flies && (!out->first || l->at < out->first))
			out->first = l->at;
	}
	qsort(out->row, (size_t)out->n, sizeof(out->row[0]), newest_first);
}

static int within(const int64_t *at, size_t n, int64_t since)
{
	int k = 0;

	for (size_t i = 0; i < n; i++)
		k += at[i] > since;
	return k;
}

/* The times given are the newest of all, and every limit sees in them what it would see in all. */
static void check_times(const char *what, const int64_t *at, size_t n, const struct all *all, const struct limits *l,
			int64_t now)
{
	int64_t full[TOUCHES];

	if ((int)n > all->n)
		fail_msg("%s: %zu of %d", what, n, all->n);
	for (int i = 0; i < all->n; i++)
		full[i] = all->row[i].at;
	for (size_t i = 0; i < n; i++) {
		if (at[i] != full[i])
			fail_msg("%s: touch %zu is at %lld, not %lld", what, i, (long long)at[i], (long long)full[i]);
	}
	for (int i = 0; i < l->n; i++) {
		int got = within(at, n, now - l->row[i].per_ms),
		    want = within(full, (size_t)all->n, now - l->row[i].per_ms);

		got = got > l->row[i].n ? l->row[i].n : got;
		want = want > l->row[i].n ? l->row[i].n : want;
		if (got != want)
			fail_msg("%s: %d in a window, not %d", what, got, want);
	}
}

/* Accepted value touches since the last ask, as far as anybody cares. */
static int gifts(const struct past_touch *t, size_t n, int enough)
{
	int k = 0;

	for (size_t i = 0; i < n && k < enough && t[i].kind != KIND_ASK; i++)
		k += t[i].state == TOUCH_ACCEPTED;
	return k;
}

static void check_contact(const struct policy *p, const struct history *h, const struct all *all, int64_t now)
{
	int64_t at[HISTORY_CONTACT_MAX];
	int cut = all->n < HISTORY_CONTACT_MAX ? all->n : HISTORY_CONTACT_MAX;

	for (size_t i = 0; i < h->contact_n; i++)
		at[i] = h->contact[i].at;
	check_times("contact", at, h->contact_n, all, &p->contact, now);
	assert_int_equal(h->contact_n == 0, all->n == 0); /* gaps run from the newest */
	/* touches of one instant have no order of their own: gifts are only compared when there is no doubt */
	for (int i = 1; i < cut; i++) {
		if (all->row[i].at == all->row[i - 1].at)
			return;
	}
	assert_int_equal(gifts(h->contact, h->contact_n, p->gifts_per_ask),
			 gifts(all->row, (size_t)cut, p->gifts_per_ask));
	if (p->sunset_touches && all->unanswered >= p->sunset_touches)
		assert_true(h->unanswered >= p->sunset_touches);
	else if (p->sunset_touches || p->backoff_factor > 1)
		assert_int_equal(h->unanswered, all->unanswered);
	if (p->sunset_silence)
		assert_int_equal(h->first_touch_at, all->first);
}

static void check_warmup(const struct model *m, const struct policy *p, const struct history *h, int64_t exclude)
{
	int64_t today = m->now / CLOCK_DAY, days[TOUCHES];
	int used = 0, before = 0, known = 0;
	double cap = p->warmup.start;

	for (int i = 0; i < m->n; i++) {
		const struct life *l = &m->touch[i];
		bool flies = l->state == TOUCH_RESERVED || l->state == TOUCH_HANDED, seen = false;

		if (!touch_state_counts(l->state) || (flies && l->id == exclude))
			continue;
		if (flies || l->at / CLOCK_DAY >= today) {
			used++;
			continue;
		}
		for (int k = 0; k < known; k++)
			seen |= days[k] == l->at / CLOCK_DAY;
		if (!seen)
			days[known++] = l->at / CLOCK_DAY;
	}
	before = known;
	for (int i = 0; i < before; i++)
		cap *= p->warmup.growth;
	assert_int_equal(h->warmup_used, used);
	assert_true(abs(h->warmup_cap - (int32_t)(cap > p->warmup.target ? p->warmup.target : cap)) <= 1);
}

static struct limits random_limits(int most, int days)
{
	struct limits l = { .n = pick(3) };

	for (int i = 0; i < l.n; i++)
		l.row[i] = (struct limit){ 1 + pick(most), (1 + pick(days)) * CLOCK_DAY };
	return l;
}

static struct policy random_policy(void)
{
	struct policy p = {
		.contact = random_limits(10, 40),
		.account = random_limits(8, 40),
		.provider = random_limits(6, 20),
		.sender = random_limits(12, 20),
		.backoff_factor = pick(2) ? 1.5 : 1,
		.sunset_touches = pick(2) * pick(12),
		.sunset_silence = pick(2) * 90 * CLOCK_DAY,
		.gifts_per_ask = pick(5),
	};

	if (pick(2)) {
		p.warmup.start = 1 + pick(20);
		p.warmup.growth = 1.2;
		p.warmup.target = 500;
	}
	return p;
}

static void check(struct store_dir *d, const struct model *m)
{
	struct policy p = random_policy();
	int who = pick(CONTACTS);
	int64_t exclude = pick(3) || !m->n ? 0 : m->touch[pick(m->n)].id;
	struct contact *c = NULL;
	struct history h;
	static struct all all[4];
	bool flies;

	/* a touch being decided on is never one that counts by itself */
	for (int i = 0; i < m->n; i++) {
		if (m->touch[i].id == exclude &&
		    (m->touch[i].state == TOUCH_ACCEPTED || m->touch[i].state == TOUCH_UNKNOWN))
			exclude = 0;
	}
	assert_int_equal(store_contact_by_id(d->s, who + 1, &c, &d->e), 1);
	OK(d, store_history(d->s, &p, c, exclude, m->now, &h, &d->e));
	for (int of = CONTACT; of <= SENDER; of++)
		all_of(m, (enum of)of, who, exclude, &all[of]);
	check_contact(&p, &h, &all[CONTACT], m->now);
	check_times("account", h.account, h.account_n, &all[ACCOUNT], &p.account, m->now);
	check_times("provider", h.provider, h.provider_n, &all[PROVIDER], &p.provider, m->now);
	check_times("sender", h.sender, h.sender_n, &all[SENDER], &p.sender, m->now);
	if (p.warmup.start)
		check_warmup(m, &p, &h, exclude);
	else
		assert_int_equal(h.warmup_cap, -1);
	flies = all[CONTACT].flying || (p.account.n && all[ACCOUNT].flying) || (p.provider.n && all[PROVIDER].flying) ||
		((p.sender.n || p.warmup.start) && all[SENDER].flying);
	assert_int_equal(h.rests_on_flight, flies);
	contact_free(&c);
}

/* The running figures are what counting gives. */
static void check_counts(struct store_dir *d, const struct model *m)
{
	struct store_counts n;
	int64_t by_state[TOUCH_STATE_COUNT] = { 0 };

	OK(d, store_counts(d->s, &n, &d->e));
	for (int i = 0; i < m->n; i++)
		by_state[m->touch[i].state]++;
	for (int i = 0; i < TOUCH_STATE_COUNT; i++)
		assert_int_equal(n.touches[i], by_state[i]);
	assert_int_equal(n.enrollments_active, m->n);
}

static void test_random_lives(void **state)
{
	struct store_dir *d = *state;
	static struct model m, before;

	for (int round = 0; round < 3; round++) {
		seed = (uint64_t)round + 42;
		m = (struct model){ .now = T0 };
		put_all(d);
		for (int step = 0; step < STEPS / 10; step++) {
			before = m;
			begin(d);
			for (int i = pick(20); i >= 0; i--) {
				m.now += pick(8) * CLOCK_HOUR + pick(1000);
				if (pick(2))
					act_new(d, &m);
				else
					act_move(d, &m);
				if (!pick(30)) {
					int who = pick(CONTACTS);

					OK(d, store_contact_engaged(d->s, who + 1, m.now, &d->e));
					m.engaged[who] = m.now;
				}
				if (!pick(4)) {
					sync_times(d, &m);
					check(d, &m);
				}
			}
			sync_times(d, &m);
			if (!pick(6)) {
				store_rollback(d->s);
				m = before;
			} else {
				commit(d);
			}
			if (!pick(20))
				store_dir_reopen(d);
			check_counts(d, &m);
			for (int i = 0; i < 4; i++)
				check(d, &m);
		}
		store_close(&d->s);
		(void)unlink(d->path);
		store_dir_open(d);
	}
}

/* ---- how far it reads ---- */

static void send_kind(struct store_dir *d, int64_t enrollment, int64_t at, enum kind kind)
{
	struct touch t = touch_of(store_touch_new_id(d->s), enrollment, 1, 1);

	t.kind = kind;
	OK(d, store_touch_reserve(d->s, &t, at, &d->e));
	OK(d, store_touch_hand(d->s, t.id, at, &d->e));
	OK(d, store_touch_set(d->s, t.id, TOUCH_ACCEPTED, at, 250, "", &d->e));
}

/* Touches of one contact, a day apart, the newest a day ago; the third newest is an ask. */
static void fill(struct store_dir *d, int n)
{
	char sequence[16];

	begin(d);
	put(d, "ann@example.com", "example.com");
	for (int i = 0; i < n; i++) {
		snprintf(sequence, sizeof(sequence), "s%d", i);
		send_kind(d, enroll(d, 1, sequence, T0), T0 + i * CLOCK_DAY, i == n - 3 ? KIND_ASK : KIND_VALUE);
	}
	commit(d);
}

static void test_reads_no_further(void **state)
{
	/* of 100 touches */
	static const struct {
		const char *name;
		struct policy p;
		size_t contact, account;
	} row[] = {
		{ "nothing but the gap", { .backoff_factor = 1 }, 1, 0 },
		{ "the window and a day", { .contact = { { { 50, 7 * CLOCK_DAY } }, 1 }, .backoff_factor = 1 }, 7, 0 },
		{ "the number", { .contact = { { { 3, 90 * CLOCK_DAY } }, 1 }, .backoff_factor = 1 }, 3, 0 },
		{ "the widest of both",
		  { .contact = { { { 3, 90 * CLOCK_DAY }, { 9, 5 * CLOCK_DAY } }, 2 }, .backoff_factor = 1 },
		  9,
		  0 },
		{ "gifts", { .gifts_per_ask = 2, .backoff_factor = 1 }, 2, 0 },
		{ "gifts since the last ask", { .gifts_per_ask = 5, .backoff_factor = 1 }, 3, 0 },
		{ "sunset", { .sunset_touches = 8, .backoff_factor = 1 }, 8, 0 },
		{ "back-off alone", { .backoff_factor = 1.5 }, 100, 0 },
		{ "account", { .account = { { { 2, 7 * CLOCK_DAY } }, 1 }, .backoff_factor = 1 }, 1, 2 },
		{ "account's gap", { .account_min_gap = { .ms = CLOCK_HOUR }, .backoff_factor = 1 }, 1, 1 },
	};
	struct store_dir *d = *state;
	struct contact *c = NULL;
	struct history h;

	fill(d, 100);
	assert_int_equal(store_contact_by_id(d->s, 1, &c, &d->e), 1);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		OK(d, store_history(d->s, &row[i].p, c, 0, T0 + 100 * CLOCK_DAY, &h, &d->e));
		if (h.contact_n != row[i].contact || h.account_n != row[i].account)
			fail_msg("%s: %zu, %zu", row[i].name, h.contact_n, h.account_n);
	}
	contact_free(&c);
}

/* Limits that have seen many more touches than they look at: what is cut is never the newest. */
static void test_many_touches(void **state)
{
	static const struct policy p = { .backoff_factor = 1,
					 .provider = { { { 2, 900 * CLOCK_DAY } }, 1 },
					 .sender = { { { 5, 900 * CLOCK_DAY } }, 1 } };
	struct store_dir *d = *state;
	struct contact *c = NULL;
	struct history h;
	char sequence[16];

	begin(d);
	put(d, "ann@example.com", "");
	assert_int_equal(store_contact_by_id(d->s, 1, &c, &d->e), 1);
	for (int i = 0; i < 60; i++) {
		int64_t now = T0 + i * CLOCK_DAY;

		snprintf(sequence, sizeof(sequence), "s%d", i);
		send_kind(d, enroll(d, 1, sequence, T0), now, KIND_VALUE);
		OK(d, store_history(d->s, &p, c, 0, now, &h, &d->e));
		assert_int_equal(h.sender_n, i < 5 ? i + 1 : 5);
		assert_int_equal(h.provider_n, i < 2 ? i + 1 : 2);
		for (size_t k = 0; k < h.sender_n; k++)
			assert_int_equal(h.sender[k], now - (int64_t)k * CLOCK_DAY);
		for (size_t k = 0; k < h.provider_n; k++)
			assert_int_equal(h.provider[k], h.sender[k]);
	}
	commit(d);
	contact_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, store_dir_setup, store_dir_teardown)
		T(test_random_lives),
		T(test_reads_no_further),
		T(test_many_touches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
