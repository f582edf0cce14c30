/* What the tests of the IMAP source share: a mailbox of four messages behind the fake server, and what is waited for.
 */
#ifndef TEST_IMAP_CASES_H
#define TEST_IMAP_CASES_H

#include "imap_fake.h"

static struct fake fake;

static inline void prepare(struct inbox_world *w)
{
	world_init(w);
	fake_start(&fake, w->base);
	fake.arg = w;
	world_imap(w, "127.0.0.1", fake.port, false, "dana", "sec\"ret\\");
}

static inline void finish(struct inbox_world *w)
{
	fake_stop(&fake);
	world_close(w);
}

static const char *const text[] = {
	"Subject: one\r\n\r\nbody of one\r\n",
	"",
	"Subject: three\r\n\r\n{99}\r\n)\r\na1 OK\r\n* BYE\r\n",
	"Subject: four\r\n\r\nx\ry\nz\xff\r\n",
};

static inline void add_texts(void)
{
	for (size_t i = 0; i < COUNT(text); i++)
		fake_add(&fake, (uint32_t)i + 1, text[i], strlen(text[i]));
}

static inline bool is_idle(struct inbox_world *w)
{
	return world_says(w, "\"state\":\"idle\"");
}

static inline bool is_waiting(struct inbox_world *w)
{
	return world_says(w, "\"state\":\"waiting\"");
}

/* The first session has ended. */
static inline bool is_down(struct inbox_world *w)
{
	return fake.connections > 1 || (world_says(w, "\"state\":\"down\"") && !world_says(w, "\"error\":\"\""));
}

static inline bool got_all(struct inbox_world *w)
{
	return w->got_n == (int)COUNT(text) && is_idle(w);
}

static inline void has_all(const struct inbox_world *w)
{
	assert_int_equal(w->got_n, COUNT(text));
	for (size_t i = 0; i < COUNT(text); i++)
		assert_true(world_has(w, text[i], strlen(text[i])));
	assert_string_equal(w->cursor, "5:4");
}

static const char *instead_text, *instead_verb;
static int instead_times;

static inline const char *instead(struct fake *f, const char *verb, const char *line)
{
	(void)f;
	if (instead_times && strstr(line, instead_verb)) {
		instead_times -= instead_times > 0;
		return instead_text;
	}
	(void)verb;
	return NULL;
}

static inline void answer(const char *verb, const char *with, int times)
{
	instead_verb = verb;
	instead_text = with;
	instead_times = times;
	fake.instead = instead;
}

#endif
