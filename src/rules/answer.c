/* The names of what comes back: the engagement log's events. */
#include "abv/answer.h"
#include "abv/model.h"

const char *answer_kind_name(enum answer_kind k)
{
	static const enum event_type row[] = {
		[ANSWER_REPLY] = EVENT_REPLIED,           [ANSWER_AUTO_REPLY] = EVENT_AUTO_REPLIED, [ANSWER_BOUNCE] = EVENT_BOUNCED,
		[ANSWER_COMPLAINT] = EVENT_COMPLAINED,    [ANSWER_UNSUBSCRIBE] = EVENT_UNSUBSCRIBED, [ANSWER_NOTICE] = EVENT_NOTICE,
		[ANSWER_RECEIPT] = EVENT_RECEIPT,         [ANSWER_CHALLENGE] = EVENT_CHALLENGE,
	};
	_Static_assert(sizeof row / sizeof row[0] == ANSWER_KIND_COUNT, "a kind of answer lacks its event");
	return (unsigned)k < ANSWER_KIND_COUNT ? event_type_name(row[k]) : "";
}
