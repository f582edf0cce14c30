/* rooms: base model rules config render store check web */
/* The verbs of the control socket: request and answer, and what is in the store afterwards. `import`: test_control_import.c. */
#include "control_fixture.h"

/* ---- verbs */

static void test_bad_requests(void **state)
{
	static const struct row rows[] = {
		{ "nothing", "{}", 404, "{'error':'*nothing*'}" },
		{ "", "", 404, "{'error':'**'}" },
		{ "status", "[]", 400, "{'error':'*no JSON object*'}" },
		{ "status", "{", 400, "{'error':'*no JSON object*'}" },
		{ "status", "{'a':1,'a':1}", 400, "{'error':'*duplicate*'}" },
		{ "status", "{'x':1}", 400, "{'error':'*x: *'}" },
		{ "show", "", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':null}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':''}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':1}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':'a\\u0007b'}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':'no address'}", 400, "{'error':'*contact: *'}" },
		{ "show", "{'contact':'nobody@acme.example'}", 404, "{'error':'*contact: *'}" },
		{ "explain", "{'contact':'nobody@acme.example'}", 404, "{'error':'*contact: *'}" },
		{ "export", "{'contact':'hash:00'}", 404, "{'error':'*contact: *'}" },
		{ "forget", "{'contact':'nobody@acme.example'}", 404, "{'error':'*contact: *'}" },
		{ "stop", "{'contact':'nobody@acme.example'}", 404, "{'error':'*contact: *'}" },
		{ "hold", "{'contact':'nobody@acme.example','until':'2027-01-01'}", 404, "{'error':'*contact: *'}" },
		{ "hold", "{'contact':'nobody@acme.example','until':'tomorrow'}", 400, "{'error':'*until: *'}" },
		{ "hold", "{'contact':'nobody@acme.example','until':'1960-01-01'}", 400, "{'error':'*until: *'}" },
		{ "hold", "{'contact':'a@b.example'}", 400, "{'error':'*until: *'}" },
		{ "enroll", "{'sequence':'manual'}", 400, "{'error':'*contact, tag, all*'}" },
		{ "enroll", "{'sequence':'manual','all':true,'tag':'x'}", 400, "{'error':'*contact, tag, all*'}" },
		{ "enroll", "{'sequence':'manual','all':'yes'}", 400, "{'error':'*all: *'}" },
		{ "enroll", "{'sequence':'none','all':true}", 404, "{'error':'*sequence: *'}" },
		{ "pause", "{'sequence':'none'}", 404, "{'error':'*sequence: *'}" },
		{ "resume", "{'sequence':'none'}", 404, "{'error':'*sequence: *'}" },
		{ "suppress", "{'target':'acme'}", 400, "{'error':'*target: *'}" },
		{ "suppress", "{'target':'@'}", 400, "{'error':'*target: *'}" },
		{ "suppress", "{'target':'@a b'}", 400, "{'error':'*target: *'}" },
		{ "unsuppress", "{'target':'a@b.example'}", 400, "{'error':'*reason: *'}" },
		{ "queue", "{'limit':0}", 400, "{'error':'*limit: *'}" },
		{ "queue", "{'limit':'1'}", 400, "{'error':'*limit: *'}" },
		{ "unknown", "{'action':'kill','id':1}", 400, "{'error':'*action: *'}" },
		{ "unknown", "{'action':'accept'}", 400, "{'error':'*id: *'}" },
		{ "unknown", "{'action':'accept','id':77}", 404, "{'error':'*id: *'}" },
		{ "test", "{'sequence':'none','step':'a','to':'a@b.example'}", 404, "{'error':'*sequence: *'}" },
		{ "test", "{'sequence':'manual','step':'a','to':'a@b.example'}", 404, "{'error':'*step: *'}" },
		{ "test", "{'sequence':'manual','step':'first','to':'b.example'}", 400, "{'error':'*to: *'}" },
		{ "import", "{}", 400, "{'error':'*rows: *'}" },
		{ "import", "{'rows':{}}", 400, "{'error':'*rows: *'}" },
		{ "import", "", 400, "{'error':'*rows: *'}" },
		{ "import", "{'rows':null}", 400, "{'error':'*rows: *'}" },
		{ "import", "{'rows':[],'row':[]}", 400, "{'error':'*row: *no such member*'}" },
		{ "import", "{'row':[]}", 400, "{'error':'*row: *no such member*'}" },
		{ "import", "[{'rows':[]}]", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[]", 400, "{'error':'*no JSON object*line 1, column 10*'}" },
		{ "import", "{'rows':[]}x", 400, "{'error':'*no JSON object*end of file*'}" },
		{ "import", "{'rows':[{}{}]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'email':'a@b.example'},]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'email':'a@b.example',}]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'email' 'a@b.example'}]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'email':'a@b.example','x':01}]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'line':12x,'email':'a@b.example'}]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'email':'a@b.example','x':[}]}]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'email':'a@b.example','x':'\\u0000'}]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'email':'a@b.example','x':'\\ud800'}]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'email':'a@b.example','x':'\\q'}]}", 400, "{'error':'*no JSON object*'}" },
		{ "import", "{'rows':[{'email':'a@b.example','x':'\xc3'}]}", 400, "{'error':'*no JSON object*'}" },
		/* a name that stands twice, wherever */
		{ "import", "{'rows':[],'rows':[]}", 400, "{'error':'*duplicate*'}" },
		{ "import", "{'rows':[{'email':'a@b.example','email':'c@b.example'}]}", 400, "{'error':'*duplicate*'}" },
		{ "import", "{'rows':[{'email':'a@b.example','x':'1','y':'2','x':'3'}]}", 400, "{'error':'*duplicate*'}" },
		{ "import", "{'rows':[{'line':1,'email':'a@b.example','line':1}]}", 400, "{'error':'*duplicate*'}" },
		{ "import", "{'rows':[{'email':null,'email':'a@b.example'}]}", 400, "{'error':'*duplicate*'}" },
		{ "import", "{'rows':[{'email':'a@b.example','x':{'y':1,'y':2}}]}", 400, "{'error':'*duplicate*'}" },
		{ "import", "{'rows':[{'bad':7,'line':'','x':'1'},{'x':'\\u0041'},{'A':1,'\\u0041':1}]}", 400, "{'error':'*duplicate*'}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	assert_int_equal(f->changed, 0);
	expect_events(f, 0, "");
}

static void test_enroll(void **state)
{
	static const struct row rows[] = {
		{ "import",
		  "{'rows':[" ANN "," BOB
		  ",{'email':'c@c.example','tags':'x'},{'email':'d@d.example','consent':'opt_in','tags':'x'}]}",
		  200, "{}" },
		{ "enroll", "{'sequence':'manual','contact':'ann@acme.example'}", 200,
		  "{'enrolled':1,'already':0,'refused':{}}" },
		{ "enroll", "{'sequence':'manual','contact':'ann@acme.example'}", 200,
		  "{'enrolled':0,'already':1,'state':'active','reason':null}" },
		{ "enroll", "{'sequence':'manual','contact':'c@c.example'}", 409,
		  "{'error':'*no_consent*','reason':'no_consent','refused':{'no_consent':1}}" },
		{ "enroll", "{'sequence':'manual','tag':'x'}", 200,
		  "{'enrolled':1,'already':0,'refused':{'no_consent':1}}" },
		{ "enroll", "{'sequence':'manual','all':true}", 200,
		  "{'enrolled':1,'already':2,'refused':{'no_consent':1}}" },
		{ "enroll", "{'sequence':'manual','tag':'nobody'}", 200, "{'enrolled':0,'already':0,'refused':{}}" },
	};
	struct fixture *f = *state;
	int64_t before;

	ASK_ALL(f, rows);
	before = store_event_last(f->store);
	ask(f, "enroll", "{'sequence':'manual','contact':'c@c.example'}", 409, "{}");
	expect_events(f, before, "enroll_refused c@c.example manual \n"); /* the refusal's record is kept */
	/* of many it is logged when it is news */
	before = store_event_last(f->store);
	ask(f, "enroll", "{'sequence':'vip','all':true}", 200, "{'refused':{'no_consent':1}}");
	expect_events(f, before, "enroll_refused c@c.example vip 'reason':'no_consent'\n");
	before = store_event_last(f->store);
	ask(f, "enroll", "{'sequence':'vip','all':true}", 200, "{'refused':{'no_consent':1}}");
	expect_events(f, before, "");
	ask(f, "suppress", "{'target':'c@c.example'}", 200, "{}");
	before = store_event_last(f->store);
	ask(f, "enroll", "{'sequence':'vip','all':true}", 200, "{'refused':{'manual':1}}");
	ask(f, "enroll", "{'sequence':'vip','tag':'x'}", 200, "{'refused':{'manual':1}}");
	expect_events(f, before, "enroll_refused c@c.example vip 'reason':'manual'\n");
}

static void test_stop(void **state)
{
	static const struct row rows[] = {
		{ "import", "{'rows':[" ANN "]}", 200, "{'enrolled':1}" },
		{ "enroll", "{'sequence':'manual','contact':'ann@acme.example'}", 200, "{'enrolled':1}" },
		{ "stop", "{'contact':'ann@acme.example','sequence':'vip'}", 404, "{'error':'*sequence: *'}" },
		{ "stop", "{'contact':'ann@acme.example','sequence':'manual'}", 200, "{'stopped':1}" },
		{ "stop", "{'contact':'ann@acme.example','sequence':'manual'}", 200, "{'stopped':0}" },
		{ "stop", "{'contact':'ann@acme.example'}", 200, "{'stopped':1}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'enrollments':[{'state':'stopped','reason':'manual','step':'first','next':null},{'state':'stopped'}"
		  "]}" },
		{ "enroll", "{'sequence':'manual','contact':'ann@acme.example'}", 200,
		  "{'already':1,'state':'stopped','reason':'manual'}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	expect_events(
	    f, 1,
	    "stopped ann@acme.example manual 'reason':'manual'\nstopped ann@acme.example import 'reason':'manual'\n");
}

static void test_hold(void **state)
{
	static const struct row rows[] = {
		{ "import", "{'rows':[" ANN "]}", 200, "{}" },
		{ "hold", "{'contact':'ann@acme.example','until':'2026-11-01'}", 200,
		  "{'held':false}" }, /* nothing to lift */
		{ "hold", "{'contact':'ann@acme.example','until':'2026-12-01','reason':'holiday'}", 200,
		  "{'until':'2026-12-01T00:00:00.000Z','held':true}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'holds':{'contact':{'until':'2026-12-01T00:00:00.000Z','reason':'holiday'},'account':null}}" },
		{ "hold", "{'contact':'ann@acme.example','until':'2026-11-24T08:50:00Z'}", 200, "{'held':false}" },
		{ "hold", "{'contact':'ann@acme.example','until':'36h'}", 200,
		  "{'held':true,'until':'2026-11-25T20:50:00.000Z'}" },
		{ "hold", "{'contact':'ann@acme.example','until':'2026-11-24T08:50:00Z'}", 200, "{'held':false}" },
		{ "show", "{'contact':'ann@acme.example'}", 200, "{'holds':{'contact':null}}" },
		{ "hold",
		  "{'contact':'ann@acme.example','until':'2027-12-01','reason':'"
		  "0123456789012345678901234567890123456789012345678901234567890123'}",
		  400, "{'error':'*reason: *'}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	expect_events(f, 1,
		      "held ann@acme.example  'until':'2026-12-01T00:00:00.000Z','reason':'holiday'\n"
		      "held ann@acme.example  'until':'2026-11-24T08:50:00.000Z','reason':'manual'\n"
		      "held ann@acme.example  'until':'2026-11-25T20:50:00.000Z','reason':'manual'\n"
		      "held ann@acme.example  'until':'2026-11-24T08:50:00.000Z','reason':'manual'\n");
}

static void test_suppress(void **state)
{
	static const struct row rows[] = {
		{ "import",
		  "{'rows':[" ANN ",{'email':'al@acme.example','consent':'opt_in'},{'email':'x@sub.acme.example','"
		  "consent':'opt_in'}," BOB "]}",
		  200, "{'enrolled':4}" },
		{ "suppress", "{'target':'Bob@other.example','reason':'asked on the phone'}", 200,
		  "{'changed':true,'stopped':1}" },
		{ "suppress", "{'target':'bob@other.example','reason':'complained'}", 200,
		  "{'changed':false,'stopped':0}" },
		{ "show", "{'contact':'bob@other.example'}", 200,
		  "{'suppressed':'manual','suppressed_note':'asked on the "
		  "phone','enrollments':[{'state':'stopped','reason':'manual'}]}" },
		{ "suppress", "{'target':'nobody@other.example','reason':'hard_bounce'}", 200,
		  "{'changed':true,'stopped':0}" },
		{ "suppress", "{'target':'@ACME.example','reason':'complained'}", 200, "{'changed':true,'stopped':2}" },
		{ "show", "{'contact':'ann@acme.example'}", 200, "{'suppressed':'complained','suppressed_note':null}" },
		{ "unsuppress", "{'target':'ann@acme.example','reason':'r'}", 409, "{'error':'*complained*'}" },
		{ "unsuppress", "{'target':'ann@acme.example','reason':'r','force':true}", 409,
		  "{'error':'*@acme.example*'}" },
		{ "unsuppress", "{'target':'@acme.example','reason':'r'}", 409, "{'error':'*force*'}" },
		{ "unsuppress", "{'target':'@acme.example','reason':'a mistake','force':true}", 200,
		  "{'changed':true}" },
		{ "unsuppress", "{'target':'bob@other.example','reason':'called'}", 200, "{'changed':true}" },
		{ "unsuppress", "{'target':'bob@other.example','reason':'called'}", 200, "{'changed':false}" },
		{ "show", "{'contact':'bob@other.example'}", 200, "{'suppressed':null}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	expect_events(f, 4,
		      "suppressed bob@other.example  'reason':'manual','note':'asked on the phone'\n"
		      "stopped bob@other.example import 'reason':'manual'\n"
		      "suppressed nobody@other.example  'reason':'hard_bounce'\n"
		      "suppressed @acme.example  'reason':'complained'\n"
		      "stopped ann@acme.example import 'reason':'complained'\n"
		      "stopped al@acme.example import 'reason':'complained'\n"
		      "unsuppressed @acme.example  'reason':'a mistake','was':'complained'\n"
		      "unsuppressed bob@other.example  'reason':'called','was':'manual'\n");
}

static void test_pause(void **state)
{
	static const struct row rows[] = {
		{ "pause", "", 200, "{'paused':true,'changed':true}" },
		{ "pause", "", 200, "{'paused':true,'changed':false}" },
		{ "pause", "{'sequence':'vip'}", 200, "{'paused':true,'changed':true}" },
		{ "status", "", 200,
		  "{'sequences':[{'name':'import','paused':false},{'name':'manual','paused':false},{'name':'vip','"
		  "paused':true}]}" },
		{ "resume", "", 200, "{'paused':false,'changed':true}" },
		{ "resume", "", 200, "{'paused':false,'changed':false}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
	assert_string_equal(store_setting(f->store, "paused"), "");
	assert_string_equal(store_setting(f->store, "paused:vip"), "manual");
	assert_int_equal(f->settings, 5);
	expect_events(f, 0, "paused   \npaused  vip \nresumed   \n");
	/* a paused sequence that is gone from the configuration */
	assert_int_equal(store_begin(f->store, &f->err), 0);
	assert_int_equal(store_setting_put(f->store, "paused:gone", "1", &f->err), 0);
	assert_int_equal(store_commit_now(f->store, &f->err), 0);
	ask(f, "resume", "{'sequence':'gone'}", 200, "{'changed':true}");
}

static void test_forget(void **state)
{
	struct fixture *f = *state;

	ask(f, "import", "{'rows':[" ANN "]}", 200, "{'enrolled':1}");
	f->log_fails = true;
	ask(f, "forget", "{'contact':'ann@acme.example'}", 500, "{'error':'*disk full*'}");
	assert_string_equal(f->forgotten, "ann@acme.example hash:");
	ask(f, "show", "{'contact':'ann@acme.example'}", 404, "{}");
	/* the next start does the rest */
	control_close(&f->control);
	f->forgotten[0] = '\0';
	open_control(f, f->base);
	assert_string_equal(f->forgotten, "ann@acme.example hash:");
	/* and so does the same command again; then there is nothing left to do */
	f->log_fails = false;
	ask(f, "forget", "{'contact':'ann@acme.example'}", 200, "{'hash':'*hash:*','left':['/log.2.gz','/log.3.gz']}");
	ask(f, "forget", "{'contact':'ann@acme.example'}", 404, "{'error':'*contact: *'}");
	expect_events(f, 0, "contact_imported hash  \nforgotten hash  \nstopped hash import 'reason':'erased'\n");
	/* the person is not recorded again, unless somebody says so */
	ask(f, "import", "{'rows':[" ANN "," BOB "]}", 200,
	    "{'created':1,'enrolled':1,'errors':[{'line':1,'message':'*ann@acme.example* was forgotten: not "
	    "imported*'}]}");
	ask(f, "show", "{'contact':'ann@acme.example'}", 404, "{}");
	ask(f, "unsuppress", "{'target':'ann@acme.example','reason':'r'}", 409, "{'error':'*erased*'}");
	ask(f, "suppress", "{'target':'@acme.example'}", 200, "{'changed':true}");
	ask(f, "import", "{'rows':[" ANN "]}", 200, "{'created':0,'errors':[{'line':1}]}");
	ask(f, "unsuppress", "{'target':'ann@acme.example','reason':'r'}", 409, "{'error':'*erased*'}");
	ask(f, "unsuppress", "{'target':'ann@acme.example','reason':'asked to','force':true}", 200,
	    "{'changed':true,'still':'@acme.example'}");
	ask(f, "import", "{'rows':[" ANN "]}", 200, "{'created':1,'enrolled':0,'refused':{'manual':1},'errors':[]}");
}

/* A touch that was accepted at `at`, of the contact's first enrollment. */
static void accept_touch(struct fixture *f, int64_t id, int64_t contact_id, int64_t enrollment_id, enum kind kind, int64_t at)
{
	struct contact *c = NULL;

	assert_int_equal(store_contact_by_id(f->store, contact_id, &c, &f->err), 1);
	assert_int_equal(store_begin(f->store, &f->err), 0);
	struct touch t = { .id = id, .enrollment_id = enrollment_id, .contact_id = contact_id, .account_id = c->account_id,
			   .sequence = "import", .step = "first", .kind = kind, .content = "", .provider = "acme.example",
			   .message_id = "m" };
	assert_int_equal(store_touch_reserve(f->store, &t, at, &f->err), 0);
	assert_int_equal(store_touch_hand(f->store, id, at, &f->err), 0);
	assert_int_equal(store_touch_set(f->store, id, TOUCH_ACCEPTED, at, 250, "", &f->err), 0);
	assert_int_equal(store_commit_now(f->store, &f->err), 0);
	contact_free(&c);
}

/* Each touch that fills a limit of the account stands in its evidence, with whose it is; what gifts count ends at the last ask. */
static void test_explain(void **state)
{
	struct fixture *f = *state;

	ask(f, "import", "{'rows':[" ANN ",{'email':'bob@acme.example','consent':'opt_in'}]}", 200, "{'created':2,'enrolled':2}");
	accept_touch(f, 1, 1, 1, KIND_VALUE, NOW - 9000);
	accept_touch(f, 2, 1, 1, KIND_ASK, NOW - 8000);
	accept_touch(f, 3, 2, 2, KIND_VALUE, NOW - 5);
	accept_touch(f, 4, 1, 1, KIND_VALUE, NOW - 4);
	ask(f, "explain", "{'contact':'ann@acme.example'}", 200,
	    "{'rows':[{'sequence':'import','step':'first','verdict':'wait','reason':'account_limit','note':'relay backs off',"
	    "'kind':'ask','priority':0,'timezone':'Europe/Paris','timezone_from':'contact','evidence':["
	    "{'reason':'account_limit','limit':'2 per 7d','touch_at':'2026-11-24T08:49:59.995Z','touches':["
	    "{'id':4,'at':'2026-11-24T08:49:59.996Z','contact':'ann@acme.example','sequence':'import','step':'first','kind':'value',"
	    "'state':'accepted','leaves':'2026-12-01T08:49:59.996Z'},{'id':3,'contact':'bob@acme.example'}]},"
	    "{'reason':'gifts','until':null,'limit':null,'touches':[{'id':4,'leaves':null}]}],"
	    "'earlier':[{'reason':'account_limit','change':'without it','verdict':'wait','at':'2026-11-24T08:50:00.500Z','by':'backoff',"
	    "'expected':null,'with_previous':null},"
	    "{'reason':'backoff','change':'nor that','verdict':'send','at':'2026-11-24T08:50:00.000Z','by':null,'with_previous':true},"
	    "{'reason':'gifts','change':'2 more','verdict':null,'expected':'2026-11-24T08:50:00.700Z'}],"
	    "'ahead':{'contact':'bob@acme.example','sequence':'vip','step':'one','at':'2026-11-24T08:50:00.000Z','priority':9,"
	    "'by_priority':true,'count':2,'then':{'verdict':'wait','at':'2026-11-24T08:50:00.900Z','by':'contact_limit'}},"
	    "'letter':{'reason':'undefined_placeholder','detail':'no budget'}}],'ended':[],'holds':{}}");
	ask(f, "stop", "{'contact':'ann@acme.example'}", 200, "{'stopped':1}");
	ask(f, "explain", "{'contact':'ann@acme.example'}", 200,
	    "{'rows':[],'ended':[{'sequence':'import','state':'stopped','reason':'manual','change':'*operator*ann@acme.example*'}]}");
}

static void test_resources(void **state)
{
	static const struct row rows[] = {
		{ "import", "{'rows':[" ANN "]}", 200, "{}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'enrollments':[{'next':{'verdict':'wait','reason':'account_limit','until':'2026-11-24T08:50:01."
		  "000Z','note':'relay backs off','evidence':null}}]}" },
		{ "explain", "{'contact':'ann@acme.example'}", 200,
		  "{'rows':[{'sequence':'import','step':'first','verdict':'wait','reason':'account_limit','note':'"
		  "relay backs off','evidence':["
		  "{'reason':'account_limit','limit':'2 per "
		  "7d','touch_at':'2026-11-24T08:49:59.995Z'},{'reason':'gifts','until':null,'limit':null}]}],'holds':{"
		  "}}" },
		{ "queue", "{'limit':5}", 200,
		  "{'rows':[{'contact':'ann@acme.example','sequence':'import','step':'first','due':'2026-11-24T08:50:"
		  "00.000Z','next':'2026-11-24T08:50:01.000Z',"
		  "'verdict':'wait','reason':'account_limit','note':'relay backs off'}]}" },
		{ "status", "{}", 200,
		  "{'now':'2026-11-24T08:50:00.000Z','in_flight':3,'removed':[],'events':1,'counts':{'contacts':1,'"
		  "active':1,'"
		  "touches':{'unknown':0}},"
		  "'sequences':[{'name':'import','startable':true,'active':1,'steps':1,'vouched':['first: Dana, knows "
		  "it']},{'active':0},{}]}" },
		{ "test", "{'sequence':'manual','step':'first','to':'me@x.example'}", 200,
		  "{'outcome':'accepted','smtp_code':250,'smtp_reply':'2.0.0 Ok'}" },
		{ "test", "{'sequence':'manual','step':'first','to':'no@x.example'}", 409,
		  "{'error':'*no such user*','smtp_code':550}" },
		{ "test", "{'sequence':'manual','step':'first','to':'gate@x.example'}", 409, "{'error':'*gate*'}" },
		{ "test", "{'sequence':'manual','step':'first','to':'lost@x.example'}", 409,
		  "{'error':'*no connection*'}" },
		{ "suppress", "{'target':'me@x.example'}", 200, "{}" },
		{ "test", "{'sequence':'manual','step':'first','to':'Me@x.example'}", 409,
		  "{'error':'*to: *me@x.example* is suppressed (manual)*','outcome':null}" },
		{ "suppress", "{'target':'@x.example','reason':'complained'}", 200, "{}" },
		{ "test", "{'sequence':'manual','step':'first','to':'you@x.example'}", 409,
		  "{'error':'*suppressed (complained)*'}" },
	};
	struct fixture *f = *state;
	struct buf answer = { 0 };

	ASK_ALL(f, rows);
	assert_int_equal(control_handle(f->control, "config", "", 0, &answer), 200);
	assert_non_null(strstr(buf_text(&answer), "{\"key\":\"smtp.url\",\"value\":"));
	assert_non_null(strstr(buf_text(&answer), "abvd.conf:6\"}"));
	assert_non_null(strstr(buf_text(&answer), "\"source\":\"default\"}"));
	buf_free(&answer);
}

static int64_t make_unknown(struct fixture *f)
{
	struct contact *c = NULL;
	struct touch t = { .kind = KIND_VALUE,
			   .sequence = "import",
			   .step = "first",
			   .content = "00112233445566778899aabbccddeeff",
			   .provider = "acme.example",
			   .message_id = "m@x",
			   .smtp_reply = "" };
	int64_t id;

	assert_int_equal(store_contact_by_email(f->store, "ann@acme.example", &c, &f->err), 1);
	assert_int_equal(store_begin(f->store, &f->err), 0);
	id = store_touch_new_id(f->store);
	t.id = id;
	t.enrollment_id = 1;
	t.contact_id = c->id;
	t.account_id = c->account_id;
	assert_int_equal(store_touch_reserve(f->store, &t, f->now, &f->err), 0);
	assert_int_equal(store_touch_hand(f->store, id, f->now, &f->err), 0);
	assert_int_equal(store_touch_set(f->store, id, TOUCH_UNKNOWN, f->now, 0, "", &f->err), 0);
	assert_int_equal(store_commit_now(f->store, &f->err), 0);
	contact_free(&c);
	return id;
}

static void test_unknown(void **state)
{
	struct fixture *f = *state;
	char request[64];

	ask(f, "import", "{'rows':[" ANN "]}", 200, "{}");
	ask(f, "unknown", "", 200, "{'rows':[]}");
	snprintf(request, sizeof(request), "{'action':'resend','id':%lld}", (long long)make_unknown(f));
	ask(f, "unknown", "{'action':'list'}", 200,
	    "{'rows':[{'contact':'ann@acme.example','sequence':'import','step':'first','at':'2026-11-24T08:50:00.000Z',"
	    "'message_id':'m@x'}]}");
	ask(f, "unknown", request, 409, "{'error':'*stopped*'}");
	memcpy(request + 11, "accept", 6);
	ask(f, "unknown", request, 200, "{'changed':true}");
	ask(f, "unknown", request, 404, "{'error':'*id: *'}");
	ask(f, "unknown", "", 200, "{'rows':[]}");
}

/* Who is to wait longer keeps the reason that was told; nobody is asked about them. */
static void test_queue_asks_those_due(void **state)
{
	struct fixture *f = *state;
	const int64_t later = f->now + CLOCK_DAY;

	ask(f, "import", "{'rows':[" ANN "," BOB ",{'email':'c@c.example','consent':'opt_in'}]}", 200,
	    "{'enrolled':3}");
	assert_int_equal(store_begin(f->store, &f->err), 0);
	assert_int_equal(store_enrollment_wait(f->store, 2, REASON_GIFTS, f->now, f->now, false, &f->err), 0);
	assert_int_equal(store_enrollment_wait(f->store, 3, REASON_NONE, later, later, false, &f->err), 0);
	assert_int_equal(store_commit_now(f->store, &f->err), 0);
	ask(f, "queue", "", 200,
	    "{'rows':[{'contact':'ann@acme.example','verdict':'wait','reason':'account_limit','note':'relay backs "
	    "off'},"
	    "{'contact':'bob@other.example','verdict':null,'reason':'gifts','note':null},"
	    "{'contact':'c@c.example','verdict':'wait','reason':'account_limit','note':'relay backs off'}]}");
	/* what holds up everybody is told instead of an instant that will not hold */
	ask(f, "pause", "", 200, "{'paused':true}");
	ask(f, "queue", "{'limit':1}", 200, "{'rows':[{'contact':'ann@acme.example','next':null,'reason':'sending_paused'}]}");
	ask(f, "resume", "", 200, "{'paused':false}");
	ask(f, "pause", "{'sequence':'import'}", 200, "{'paused':true}");
	ask(f, "queue", "{'limit':1}", 200, "{'rows':[{'contact':'ann@acme.example','next':null,'reason':'sequence_paused'}]}");
}

/* PROTOCOL.md names each verb of the table, and the table each of the document. */
static void test_verbs_are_documented(void **state)
{
	struct buf doc = { 0 };
	int n = 0, rows = 0;
	const char *last = "";
	char name[64];

	(void)state;
	assert_int_equal(buf_read_file(&doc, TEST_DATA "/../../src/web/PROTOCOL.md", 1 << 20), 0);
	for (; control_verb_at(n); n++) {
		assert_true(strcmp(last, control_verb_at(n)) < 0);
		last = control_verb_at(n);
		snprintf(name, sizeof(name), "`%s`", last);
		if (!strstr(buf_text(&doc), name))
			fail_msg("PROTOCOL.md does not name %s", last);
	}
	for (const char *p = buf_text(&doc); (p = strstr(p, "\n| `")) != NULL; p++)
		rows++;
	assert_int_equal(rows + 1, n); /* pause and resume share a row */
	buf_free(&doc);
}

int main(void)
{
#define ROW(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(test_bad_requests),
		ROW(test_enroll),
		ROW(test_stop),
		ROW(test_hold),
		ROW(test_suppress),
		ROW(test_pause),
		ROW(test_forget),
		ROW(test_explain),
		ROW(test_resources),
		ROW(test_unknown),
		ROW(test_queue_asks_those_due),
		cmocka_unit_test(test_verbs_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
