/* rooms: base model rules config render store check web */
/* The verb `import`: what a row may say, whom it makes, changes and enrolls, and what the log is told. */
#include "control_fixture.h"

static void test_import(void **state)
{
	static const struct row rows[] = {
		{ "import", "{'rows':[]}", 200, "{'created':0,'changed':0,'same':0,'enrolled':0,'errors':[]}" },
		{ "import", "{'rows':[" ANN "," BOB "]}", 200,
		  "{'created':2,'changed':0,'same':0,'enrolled':2,'errors':[]}" },
		{ "import", "{'rows':[" ANN "]}", 200, "{'created':0,'changed':0,'same':1,'enrolled':0,'errors':[]}" },
		{ "import",
		  "{'rows':[{'line':2,'email':'x'},{'email':'c@d.example','timezone':'Mars/Base'},7,{},"
		  "{'line':9,'email':'c@d.example','consent_at':'2026-11-24T08:50:01Z'},{'email':'c@d.example','"
		  "consent_at':'soon'},"
		  "{'email':'c@d.example','consent':'opt "
		  "in!'},{'email':'c@d.example','consent_source':'a\\nb'},{'email':'c@d.example','x':[1]},"
		  "{'email':'c@d.example','':'x'},{'email':'c@d.example','note':'a\\u0001'},{'email':'c@d.example','"
		  "note':'a\\nb'}]}",
		  200,
		  "{'created':1,'changed':0,'errors':[{'line':2,'message':'*email: *'},{'line':2,'message':'*timezone: "
		  "*'},{'line':3,'message':'*no "
		  "object*'},{'line':4,'message':'*email: *'},{'line':9,'message':'*consent_at: "
		  "*future*'},{'line':6,'message':'*consent_at: *'},{'line':7,"
		  "'message':'*consent: *'},{'line':8,'message':'*consent_source: *'},{'line':9,'message':'*x: "
		  "*'},{'line':10,'message':'*name for a "
		  "column*'},{'line':11,'message':'*note: *'}]}" },
		{ "export", "{'contact':'ANN@acme.example'}", 200,
		  "{'contact':{'email':'ann@acme.example','account':'Acme','first_name':'Ann','consent':'opt_in','"
		  "consent_at':'2026-01-02T00:00:00.000Z',"
		  "'attributes':{},'tags':[],'last_name':null},'enrollments':[{'sequence':'import','state':'active','"
		  "step':'first'}],"
		  "'touches':[],'events':[{'event':'contact_imported'}],'suppressed':null,'holds':{}}" },
		/* what the row does not have stays; what it has empty goes; another consent does not inherit the date
		 */
		{ "import", "{'rows':[{'email':'ann@acme.example','title':'CTO','size':7,'tags':' vip; ;new'}]}", 200,
		  "{'changed':1,'enrolled':1}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'contact':{'first_name':'Ann','title':'CTO','consent':'opt_in','consent_at':'2026-01-02T00:00:00."
		  "000Z','attributes':{'size':'7'},"
		  "'tags':['vip','new']}}" },
		{ "import",
		  "{'rows':[{'email':'ann@acme.example','first_name':'','consent':'Customer','size':'','more':true}]}",
		  200, "{'changed':1}" },
		{ "show", "{'contact':'ann@acme.example'}", 200,
		  "{'contact':{'first_name':null,'title':'CTO','consent':'customer','consent_at':null,'attributes':{'"
		  "size':'','more':'true'}}}" },
		/* of two rows the later one stands, also when the one behind it is bad */
		{ "import",
		  "{'rows':[{'email':'d@d.example','title':'a'},{'email':'D@d.example','title':'b'},{'email':'d@d."
		  "example','timezone':'no'}]}",
		  200, "{'created':1,'changed':0,'superseded':1,'errors':[{'line':3}]}" },
		{ "show", "{'contact':'d@d.example'}", 200, "{'contact':{'title':'b'}}" },
		{ "import", "{'rows':[{'email':'d@d.example','title':'a'},{'email':'d@d.example','title':'b'}]}", 200,
		  "{'created':0,'changed':0,'same':1,'superseded':1,'errors':[]}" },
		/* what is written in other ways, and what is no text */
		{ "import",
		  " { 'rows' : [ { 'line' : 3 , 'email' : '\\u0064@d.example' , 'title':null, 'tags':'\\u0062;a;\\ud83d\\ude00',\n"
		  "'first_name':'\xc3\xa9\\/\\u00e9', 'last_name':12, 'n':-0.5e1,'t':true,'z':0,'big':1234567890123456789,"
		  "'lines':'a\\r\\n\\tb' } , { 'line':12345678901234567890123 } ] } ", 400, "{'error':'*no JSON object*'}" },
		{ "import",
		  " { 'rows' : [ { 'line' : 3 , 'email' : '\\u0064@d.example' , 'title':null, 'tags':'\\u0062;a;\\ud83d\\ude00',\n"
		  "'first_name':'\xc3\xa9\\/\\u00e9', 'last_name':12, 'n':-0.5e1,'t':true,'z':0,'big':1234567890123456789,"
		  "'lines':'a\\r\\n\\tb' } , { 'line':1e3 }, { 'line':8, 'first_name':'a\x7f' , 'email':'q@d.example'} ] } ", 200,
		  "{'created':0,'changed':1,'errors':[{'line':2,'message':'*email: *'},{'line':8,'message':'*first_name: *control*'}]}" },
		{ "show", "{'contact':'d@d.example'}", 200,
		  "{'contact':{'title':'b','first_name':'\xc3\xa9/\xc3\xa9','last_name':'12','tags':['b','a','\xf0\x9f\x98\x80'],"
		  "'attributes':{'n':'-5','t':'true','z':'0','big':'1234567890123456789','lines':'a\\r\\n\\tb'}}}" },
		/* accounts */
		{ "import",
		  "{'rows':[{'email':'e@gmail.com'},{'email':'f@mail.other.example','account':'ACME'},{'email':'g@x."
		  "example','account':'Big  Corp'},"
		  "{'email':'h@y.example','account':'acme.co.example'},{'email':'i@z.acme.co.example'}]}",
		  200, "{'created':5}" },
		{ "show", "{'contact':'e@gmail.com'}", 200, "{'contact':{'account':null}}" },
		{ "show", "{'contact':'f@mail.other.example'}", 200,
		  "{'contact':{'account':'Acme','account_name':'ACME'}}" },
		{ "show", "{'contact':'g@x.example'}", 200,
		  "{'contact':{'account':'big corp','account_name':'Big  Corp'}}" },
		{ "show", "{'contact':'h@y.example'}", 200, "{'contact':{'account':'Acme'}}" },
		{ "show", "{'contact':'i@z.acme.co.example'}", 200, "{'contact':{'account':'Acme'}}" },
	};
	struct fixture *f = *state;

	ASK_ALL(f, rows);
}

/* A row of more names than are compared one by one: still none may stand twice. */
static void test_import_of_many_names(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };

	for (int twice = 0; twice <= 1; twice++) {
		buf_clear(&b);
		buf_str(&b, "{'rows':[{'email':'w@wide.example'");
		for (int i = 0; i < 200; i++)
			buf_printf(&b, ",'a%d':'%d'", i == 199 && twice ? 70 : i, i);
		buf_str(&b, "},{'email':'v@wide.example','a70':'x'}]}");
		ask(f, "import", buf_text(&b), twice ? 400 : 200,
		    twice ? "{'error':'*duplicate*'}" : "{'created':2,'changed':0,'errors':[]}");
	}
	ask(f, "show", "{'contact':'w@wide.example'}", 200, "{'contact':{'attributes':{'a0':'0','a70':'70','a199':'199'}}}");
	ask(f, "show", "{'contact':'v@wide.example'}", 200, "{'contact':{'attributes':{'a0':null,'a70':'x'}}}");
	buf_free(&b);
}

static void test_import_events(void **state)
{
	struct fixture *f = *state;
	struct buf big = { 0 };

	ask(f, "import", "{'rows':[" ANN ",{'email':'z@z.example','timezone':'Europe/Paris'}]}", 200,
	    "{'superseded':0,'enrolled':1,'refused':{'no_consent':1}}");
	expect_events(f, 0,
		      "contact_imported ann@acme.example  'consent':'opt_in','consent_at':'2026-01-02T00:00:00.000Z'\n"
		      "contact_imported z@z.example  'timezone':'Europe/Paris'\n"
		      "enroll_refused z@z.example import \n");
	assert_int_equal(f->changed, 1);
	/* a suppressed contact is updated and stays out */
	ask(f, "suppress", "{'target':'z@z.example','reason':'unsubscribed'}", 200, "{'changed':true}");
	ask(f, "import", "{'rows':[{'email':'z@z.example','consent':'opt_in'}]}", 200, "{'changed':1,'enrolled':0}");
	ask(f, "show", "{'contact':'z@z.example'}", 200, "{'suppressed':'unsubscribed','enrollments':[]}");

	buf_str(&big, "{'rows':[");
	for (int i = 0; i < 1001; i++)
		buf_printf(&big, "%s{'email':'c%d@c.example'}", i ? "," : "", i);
	buf_str(&big, "]}");
	ask(f, "import", buf_text(&big), 400, "{'error':'*rows: *'}");
	buf_clear(&big);
	buf_str(&big, "{'rows':[{'email':'c@c.example','a':'");
	for (int i = 0; i < 4097; i++)
		buf_char(&big, 'x');
	buf_str(&big, "'}]}");
	ask(f, "import", buf_text(&big), 200, "{'errors':[{'line':1,'message':'*a: *4096*'}]}");
	buf_free(&big);
}

/* 40 KB of attributes, then 40 KB under other names: the second is refused, what is known can still be changed. */
static void test_import_does_not_pile_up(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 2; round++) {
		struct buf row = { 0 };

		buf_str(&row, "{'rows':[{'line':7,'email':'c@c.example'");
		for (int i = 0; i < 10; i++) {
			buf_printf(&row, ",'r%d_%d':'", round, i);
			for (int k = 0; k < 4000; k++)
				buf_char(&row, 'x');
			buf_char(&row, '\'');
		}
		buf_str(&row, "}]}");
		ask(f, "import", buf_text(&row), 200,
		    round ? "{'changed':0,'errors':[{'line':7,'message':'*earlier imports*65536*'}]}"
			  : "{'created':1,'errors':[]}");
		buf_free(&row);
	}
	ask(f, "import", "{'rows':[{'email':'c@c.example','r0_1':'y'}]}", 200, "{'changed':1,'errors':[]}");
}

/* A sequence that is newer than the contact takes it in with the same file; a refusal is then no news. */
static void test_import_again_enrolls(void **state)
{
	static const char rows[] = "{'rows':[" ANN ",{'email':'v@v.example','consent':'opt_in','tags':'old;vip'},"
				   "{'email':'n@n.example','tags':'vip'}]}";
	struct fixture *f = *state;
	enum enroll_mode how[3];
	int64_t before;

	for (size_t i = 0; i < 3; i++) {
		how[i] = f->plan->config->sequence[i].enroll;
		f->plan->config->sequence[i].enroll = ENROLL_MANUAL;
	}
	ask(f, "import", rows, 200, "{'created':3,'enrolled':0}");
	for (size_t i = 0; i < 3; i++)
		f->plan->config->sequence[i].enroll = how[i];
	before = store_event_last(f->store);
	ask(f, "import", rows, 200, "{'created':0,'changed':0,'same':3,'enrolled':3}");
	expect_events(f, before, "");
	ask(f, "import", rows, 200, "{'same':3,'enrolled':0}");
	expect_events(f, before, "");
	ask(f, "show", "{'contact':'v@v.example'}", 200,
	    "{'enrollments':[{'sequence':'import'},{'sequence':'vip','state':'active'}]}");
}

int main(void)
{
#define ROW(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(test_import),
		ROW(test_import_of_many_names),
		ROW(test_import_events),
		ROW(test_import_does_not_pile_up),
		ROW(test_import_again_enrolls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
