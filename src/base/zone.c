/* Time zones. GLib reads them; its public search is linear over a zone's transitions, too slow for a caller that asks
 * per message, so the transitions of the years we live in are copied once into a table. Outside of it GLib answers. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "abv/buf.h"
#include "abv/clock.h"
#include "abv/hash.h"
#include "abv/mem.h"

#define TABLE_FROM INT64_C(946684800)  /* 2000-01-01 */
#define TABLE_END  INT64_C(2840140800) /* 2060-01-01 */
#define STEP       INT64_C(2592000)    /* the search strides by 30 days */
#define NAME_LEN   64

struct span {
	int64_t from; /* seconds; it lasts until the next one's */
	int32_t offset;
};

struct zone {
	char name[NAME_LEN];
	GTimeZone *tz;
	struct span *span;
	size_t n;
	struct zone *next; /* in its bucket */
};

#define BUCKETS 256
static struct zone *bucket[BUCKETS];

static int32_t ask(const struct zone *z, int64_t s, gint *interval)
{
	*interval = g_time_zone_find_interval(z->tz, G_TIME_TYPE_UNIVERSAL, s);
	return *interval < 0 ? 0 : g_time_zone_get_offset(z->tz, *interval);
}

/* The first second behind `from` that is in another interval than `held`, or `end`. Interval numbers only grow. */
static int64_t next_change(const struct zone *z, int64_t from, gint held, int64_t end)
{
	int64_t low = from, high = from;
	gint i = held;

	while (i == held && high < end) {
		low = high;
		high = low + STEP < end ? low + STEP : end;
		ask(z, high, &i);
	}
	if (i == held)
		return end;
	while (high - low > 1) {
		int64_t mid = low + (high - low) / 2;

		ask(z, mid, &i);
		if (i == held)
			low = mid;
		else
			high = mid;
	}
	return high;
}

static void fill(struct zone *z)
{
	size_t cap = 0;
	gint held;

	for (int64_t s = TABLE_FROM; s < TABLE_END; s = next_change(z, s, held, TABLE_END)) {
		int32_t offset = ask(z, s, &held);

		if (z->n && z->span[z->n - 1].offset == offset) /* only the name or the DST flag changed */
			continue;
		if (z->n == cap) {
			cap = cap ? cap * 2 : 4;
			z->span = mem_grow(z->span, cap, sizeof(*z->span));
		}
		z->span[z->n++] = (struct span){ s, offset };
	}
}

/* GLib also takes POSIX rules ("XYZ-7"), offsets and any path; a contact's zone is a name of the IANA database and
 * nothing else. Those begin with a capital, which leaves out localtime, posixrules, posix/ and right/ (with leap
 * seconds). */
static bool is_iana(const char *name)
{
	size_t n = strlen(name);
	struct buf magic = { 0 };
	const char *dir;
	char *path;
	bool ok;

	if (!n || n >= NAME_LEN || name[0] < 'A' || name[0] > 'Z')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!g_ascii_isalnum(name[i]) && !strchr("_+-/", name[i]))
			return false;
	dir = getenv("TZDIR");
	path = mem_printf("%s/%s", dir ? dir : "/usr/share/zoneinfo", name);
	ok = buf_read_file(&magic, path, 1 << 20) == 0 && strncmp(buf_text(&magic), "TZif", 4) == 0;
	buf_free(&magic);
	free(path);
	return ok;
}

const struct zone *zone_find(const char *name)
{
	size_t h = hash_text(HASH_BEGIN, name) % BUCKETS;
	bool utc = !strcmp(name, "UTC");
	GTimeZone *tz;
	struct zone *z;

	for (z = bucket[h]; z; z = z->next)
		if (!strcmp(z->name, name))
			return z;
	if (!utc && !is_iana(name))
		return NULL;
	tz = utc ? g_time_zone_new_utc() : g_time_zone_new_identifier(name);
	if (!tz)
		return NULL;
	z = mem_alloc(sizeof(*z));
	memcpy(z->name, name, strlen(name));
	z->tz = tz;
	fill(z);
	z->next = bucket[h];
	bucket[h] = z;
	return z;
}

const struct zone *zone_utc(void)
{
	static const struct zone *utc;

	if (!utc)
		utc = zone_find("UTC");
	return utc;
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

int32_t zone_offset(const struct zone *z, int64_t t)
{
	int64_t s = t / 1000 - (t % 1000 < 0);
	size_t low = 0, high = z->n;
	gint interval;

	if (s < TABLE_FROM || s >= TABLE_END)
		return ask(z, s, &interval);
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (z->span[mid].from <= s)
			low = mid;
		else
			high = mid;
	}
	return z->span[low].offset;
}

/* CLOCK_NEVER stays what it is. */
static int64_t add(int64_t t, int64_t ms)
{
	int64_t sum;

	if (__builtin_add_overflow(t, ms, &sum))
		return ms > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

int64_t zone_local(const struct zone *z, int64_t t)
{
	return add(t, zone_offset(z, t) * CLOCK_SECOND);
}

int64_t zone_instant(const struct zone *z, int64_t local)
{
	/* No offset reaches a day: these are surely before and after the instant, with the change between them if there
	 * is one. */
	int32_t before = zone_offset(z, add(local, -CLOCK_DAY)), after = zone_offset(z, add(local, CLOCK_DAY));
	int64_t first = add(local, -before * CLOCK_SECOND), second = add(local, -after * CLOCK_SECOND);

	if (zone_offset(z, first) == before)
		return first;
	if (zone_offset(z, second) == after)
		return second;
	return first; /* in the gap: read with the offset before it, it lands behind by as much as the gap is long */
}
