#include "abv/clock.h"

/* Days are counted in eras of 400 years, whose length is constant, in years that begin in March, so that the leap day
 * is the last of its year. */
#define ERA_DAYS     146097
#define DAYS_TO_1970 719468 /* from 0000-03-01 */

int32_t civil_day(int64_t local)
{
	int64_t day = local / CLOCK_DAY - (local % CLOCK_DAY < 0);

	return (int32_t)(day > INT32_MAX ? INT32_MAX : day < INT32_MIN ? INT32_MIN : day);
}

int civil_weekday(int32_t day)
{
	int w = (int)(((int64_t)day + 3) % 7); /* 1970-01-01 was a Thursday */

	return w < 0 ? w + 7 : w;
}

int32_t civil_from_ymd(int year, int month, int day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return (int32_t)(era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970);
}

void civil_to_ymd(int32_t day, int *year, int *month, int *mday)
{
	int64_t z = (int64_t)day + DAYS_TO_1970;
	int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
	int64_t d = z - era * ERA_DAYS;
	int64_t y = (d - d / 1460 + d / 36524 - d / (ERA_DAYS - 1)) / 365;
	int64_t of_year = d - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*mday = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}
