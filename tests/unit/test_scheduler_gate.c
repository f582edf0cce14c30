/* rooms: base model rules config mime render store check scheduler */
/* What the gate says of the letter as a contact would read it, and whose word lets it pass. */
#include "scheduler_world.h"

#define GIVES                                                                                                                \
	"Name one owner for each data source before the first call; 31 of 40 teams lost two weeks here. Export a sample of " \
	"200 rows and load it on day one, so that the mapping of fields is settled early.\n"
#define BY "Vouched-By: Dana Reyes, answers the question of the webinar\n"

struct details {
	struct buf text; /* a line for each event of the type */
	enum event_type type;
};

static void detail_row(void *arg, const struct event *ev)
{
	struct details *d = arg;
	if (ev->type == d->type)
		buf_printf(&d->text, "%s\n", ev->detail);
}

static int count(const char *text, const char *what)
{
	int n = 0;
	for (const char *s = text; (s = strstr(s, what)) != NULL; s++)
		n++;
	return n;
}

static void replace(struct world *w, const char *text)
{
	put_file(w, "templates/one.md", text);
	plan_reload(w);
}

/* Only the judgement refuses it: the word of who vouches lets it pass, and stands in each letter's event. */
static void test_vouched(void **state)
{
	struct world w;
	struct details d = { .type = EVENT_SENT };
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	replace(&w, "Subject: Sources\n" BY "\nHello {{first_name}},\n\n" GIVES "\nWould you book a call?\n");
	assert_true(w.plan->sequence[0].step[0].gate.vouched);
	put_contact(&w, "ann@acme.example", "acme.example");
	settle();
	put_contact(&w, "bob@other.example", "other.example"); /* the judgement is kept, with the word */
	settle();
	assert_int_equal(w.fake.started, 2);
	assert_true(store_events(w.store, 0, 1000, detail_row, &d, NULL) >= 0);
	assert_int_equal(count(buf_text(&d.text), "\"vouched\":\"Dana Reyes, answers the question of the webinar\""), 2);
	/* of a letter that passes by itself nobody's word is told */
	replace(&w, "Subject: Sources\n" BY "\nHello {{first_name}},\n\n" GIVES);
	put_contact(&w, "cy@third.example", "third.example");
	settle();
	assert_int_equal(w.fake.started, 3);
	buf_clear(&d.text);
	assert_true(store_events(w.store, 0, 1000, detail_row, &d, NULL) >= 0);
	assert_int_equal(count(buf_text(&d.text), "\"vouched\""), 2);
	assert_int_equal(count(buf_text(&d.text), "\n"), 3);
	buf_free(&d.text);
	world_close(&w);
}

/* A letter that a section left empty is refused by a rule: no word helps. */
static void test_vouched_in_vain(void **state)
{
	struct world w;
	struct details d = { .type = EVENT_GATE_REFUSED };
	(void)state;
	world_open(&w, FREE, STEP("one", "0d"));
	replace(&w, "Subject: Sources\n" BY "\nHello {{first_name}},\n\n{{#title}}" GIVES "{{/title}}\nJust checking in: any thoughts? Would you book a call?\n");
	assert_true(w.plan->sequence[0].startable);
	int64_t id = put_contact(&w, "ann@acme.example", "acme.example"); /* has no title */
	settle();
	assert_int_equal(w.fake.started, 0);
	assert_story(&w, id, "enrolled gate_refused:gate_refused");
	assert_true(store_events(w.store, 0, 1000, detail_row, &d, NULL) >= 0);
	assert_int_equal(count(buf_text(&d.text), "filler-followup"), 1);
	assert_int_equal(count(buf_text(&d.text), "\"vouched\":\"Dana Reyes"), 1);
	buf_free(&d.text);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vouched),
		cmocka_unit_test(test_vouched_in_vain),
	};
	return cmocka_run_group_tests_name("scheduler_gate", tests, NULL, NULL);
}
