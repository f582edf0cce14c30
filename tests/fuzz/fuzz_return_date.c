/* rooms: base model rules */
/* Any note, sent at any time, read in some zones: the return is none, or begins a local day that is not before the note and at most
 * 180 days after it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abv/reply_text.h"

#define MUST(x)                                                                                                        \
	do {                                                                                                           \
		if (!(x))                                                                                              \
			abort();                                                                                       \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia" };
	uint32_t minute = 0;
	if (size < 5)
		return 0;
	memcpy(&minute, data, 4);
	const struct zone *zone = zone_find(zones[data[4] % (sizeof zones / sizeof *zones)]);
	int64_t sent = (int64_t)(minute % 52594920) * CLOCK_MINUTE + 1; /* 1970 - 2069 */
	char *text = malloc(size - 4);                                  /* never empty; exactly as long */
	if (text == NULL)
		return 0;
	memcpy(text, data + 5, size - 5);
	int64_t t = return_date_find(text, size - 5, sent, zone);
	MUST(t == 0 || (t >= sent && t - sent <= 180 * CLOCK_DAY));
	MUST(t == 0 || zone_instant(zone, (int64_t)civil_day(zone_local(zone, t)) * CLOCK_DAY) == t);
	free(text);
	return 0;
}
