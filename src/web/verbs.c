/* The verbs. PROTOCOL.md tells what they mean; tests/unit/test_control.c holds this table to it. */
#include <string.h>

#include "control_int.h"

const struct verb control_verbs[] = {
	{ "backup",
	  false,
	  verb_backup,
	  NULL,
	  { { "action", MEMBER_TEXT, true }, { "id", MEMBER_INTEGER, false }, { "offset", MEMBER_INTEGER, false } } },
	{ "config", false, verb_config, NULL, { { NULL, 0, false } } },
	{ "deliver", false, verb_deliver, NULL, { { "message", MEMBER_MESSAGE, true } } },
	{ "enroll",
	  false, /* slices have transactions of their own */
	  verb_enroll,
	  NULL,
	  { { "sequence", MEMBER_TEXT, true },
	    { "contact", MEMBER_TEXT, false },
	    { "tag", MEMBER_TEXT, false },
	    { "all", MEMBER_BOOL, false } } },
	{ "explain", false, verb_explain, NULL, { { "contact", MEMBER_TEXT, true } } },
	{ "export", false, verb_export, NULL, { { "contact", MEMBER_TEXT, true } } },
	{ "forget", true, verb_forget, verb_forget_after, { { "contact", MEMBER_TEXT, true } } },
	{ "hold",
	  true,
	  verb_hold,
	  NULL,
	  { { "contact", MEMBER_TEXT, true }, { "until", MEMBER_TEXT, true }, { "reason", MEMBER_TEXT, false } } },
	{ "import",
	  false, /* reads first, then has a transaction of its own kind */
	  verb_import,
	  NULL,
	  { { "rows", MEMBER_ROWS, true } } },
	{ "pause", true, verb_pause, verb_pause_after, { { "sequence", MEMBER_TEXT, false } } },
	{ "queue", false, verb_queue, NULL, { { "limit", MEMBER_INTEGER, false } } },
	{ "resume", true, verb_resume, verb_pause_after, { { "sequence", MEMBER_TEXT, false } } },
	{ "show", false, verb_show, NULL, { { "contact", MEMBER_TEXT, true } } },
	{ "status", false, verb_status, NULL, { { NULL, 0, false } } },
	{ "stop", true, verb_stop, NULL, { { "contact", MEMBER_TEXT, true }, { "sequence", MEMBER_TEXT, false } } },
	{ "suppress",
	  true,
	  verb_suppress,
	  NULL,
	  { { "target", MEMBER_TEXT, true }, { "reason", MEMBER_TEXT, false } } },
	{ "test",
	  false,
	  verb_test,
	  NULL,
	  { { "sequence", MEMBER_TEXT, true }, { "step", MEMBER_TEXT, true }, { "to", MEMBER_TEXT, true } } },
	{ "unknown", true, verb_unknown, NULL, { { "action", MEMBER_TEXT, false }, { "id", MEMBER_INTEGER, false } } },
	{ "unsuppress",
	  true,
	  verb_unsuppress,
	  NULL,
	  { { "target", MEMBER_TEXT, true }, { "reason", MEMBER_TEXT, true }, { "force", MEMBER_BOOL, false } } },
	{ NULL, false, NULL, NULL, { { NULL, 0, false } } },
};

const char *control_verb_at(int i)
{
	return control_verbs[i].name;
}
