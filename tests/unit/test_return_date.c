/* rooms: base model rules */
/* Return dates of absence notes: rows of note, when it was sent, the day expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "abv/reply_text.h"

struct row {
	const char *text, *day; /* day: "" none */
};

/* Sent on a Wednesday, 2026-01-07 at 10:00 UTC, read in `zone`. */
static int wrong_rows(const struct row *rows, size_t n, const char *sent, const char *zone)
{
	int wrong = 0;
	int64_t at;
	struct err e;
	assert_int_equal(clock_parse(sent, &at, &e), 0);
	for (size_t i = 0; i < n; i++) {
		char got[CLOCK_TEXT_MAX] = "";
		int64_t t = return_date_find(rows[i].text, strlen(rows[i].text), at, zone_find(zone));
		if (t != 0)
			clock_format(zone_local(zone_find(zone), t), got);
		got[10] = '\0';
		if (strcmp(got, rows[i].day) != 0) {
			print_message("%s\n  got %s, expected %s\n", rows[i].text, got, rows[i].day);
			wrong++;
		}
	}
	return wrong;
}

#define CHECK(rows, sent, zone) assert_int_equal(wrong_rows(rows, sizeof(rows) / sizeof(rows)[0], sent, zone), 0)

static void test_english(void **state)
{
	static const struct row rows[] = {
		{ "I am out of the office and back on Monday 12 January.", "2026-01-12" },
		{ "I'm back on January 12th.", "2026-01-12" },
		{ "I will be out of the office until January 12, 2026.", "2026-01-12" },
		{ "I will be out of the office until Monday, January 12th. For urgent matters call +44 20 7946 0958.",
		  "2026-01-12" },
		{ "I'm away from 3 to 17 February.", "2026-02-18" },
		{ "I will be on annual leave from 9 January through 16 January, returning on Monday 19 January.",
		  "2026-01-19" },
		{ "I am out of the office through Friday.", "2026-01-10" },
		{ "I am out until January 9 and then on the road.", "2026-01-09" },
		{ "I am out of office until Friday.", "2026-01-09" },
		{ "Out of office: Jan 8 - Jan 14. Please contact Bob.", "2026-01-15" },
		{ "I will be traveling for work on January 10-31.", "2026-02-01" },
		{ "I am out today.", "2026-01-08" },
		{ "I'll be back tomorrow.", "2026-01-08" },
		{ "I will be back in two weeks.", "2026-01-21" },
		{ "I am on vacation for the next 10 days.", "2026-01-17" },
		{ "I'm out for the rest of the week.", "2026-01-12" },
		{ "I am on leave until the end of the month.", "2026-02-01" },
		{ "I return next Monday.", "2026-01-12" },
		{ "I will return on 2026-01-15.", "2026-01-15" },
		{ "Back 01/15/2026.", "2026-01-15" },
		{ "I'm back in the office on the 15th.", "2026-01-15" },
		{ "I won't be back before 20 January.", "2026-01-20" },
		{ "I am away and will return on Tuesday, 13 January at 9:00. The conference on 10 March 2026 is still "
		  "on.",
		  "2026-01-13" },
		{ "I left on 2 January and return on 12 January.", "2026-01-12" },
		{ "I am out of the office starting Thursday, January 8 and will return Monday, January 19.",
		  "2026-01-19" },
		{ "Our offices are closed from December 24 through January 11 inclusive.", "2026-01-12" },
		{ "I'm out of the office on 9 January.", "2026-01-10" },
		{ "Thanks for your mail. I will reply within 2 days.", "" },
		{ "Our support is available Monday to Friday, 24/7 by phone 555-12-34.", "" },
		{ "I will be back in November 2027.", "" },
		{ "I am on maternity leave until April 2026.", "2026-04-01" },
		{ "I am on sabbatical, back in March 2026.", "2026-03-01" },
		{ "I am away on parental leave until March.", "" },
		{ "I am on holiday. The figures of March 2026 follow.", "" },
		{ "Ich bin bis April 2026 in Elternzeit.", "2026-04-01" },
		{ "Estaré de baja hasta abril de 2026.", "2026-04-01" },
		{ "I am out of office until October 15.", "" }, /* more than 180 days ahead */
		{ "I will be back on 5 January 2026.", "" },    /* was before it was sent */
		{ "I may 5 reply.", "" },
		{ "Version 1.2.3 of 10.11.12.13 is out. Call 020 12 01 26.", "" },
		{ "I am no longer with the company since 1 January 2026.", "" },
		{ "", "" },
	};
	(void)state;
	CHECK(rows, "2026-01-07T10:00:00Z", "UTC");
}

static void test_german(void **state)
{
	static const struct row rows[] = {
		{ "Ich bin bis zum 14.02. nicht im Büro.", "2026-02-15" },
		{ "Ich bin ab dem 15. Januar wieder erreichbar.", "2026-01-15" },
		{ "Vielen Dank für Ihre Nachricht. Ich bin vom 12. bis 16. Januar im Urlaub.", "2026-01-17" },
		{ "Ich bin vom 12.1. bis einschließlich 16.1. abwesend und ab 19.1. wieder für Sie da.", "2026-01-19" },
		{ "Ich bin am Montag, den 12.01.2026 wieder im Büro.", "2026-01-12" },
		{ "Ich bin heute nicht im Büro.", "2026-01-08" },
		{ "Guten Morgen, ich bin morgen wieder erreichbar.", "2026-01-08" },
		{ "Ich bin in zwei Wochen zurück.", "2026-01-21" },
		{ "Ich bin diese Woche im Urlaub.", "2026-01-12" },
		{ "Ich bin bis Freitag abwesend.", "2026-01-10" },
		{ "Am 20. Januar bin ich zurück. Meine Rufnummer ist 089 12.34.56.", "2026-01-20" },
		{ "Abwesend: 12.-16.1.", "2026-01-17" },
		{ "Ich kehre am 3. März zurück.", "2026-03-03" },
		{ "Bitte wenden Sie sich an Herrn Mai 5.", "" },
	};
	(void)state;
	CHECK(rows, "2026-01-07T10:00:00Z", "Europe/Berlin");
}

static void test_french(void **state)
{
	static const struct row rows[] = {
		{ "Je suis absent jusqu'au 12 juillet inclus.", "2026-07-13" },
		{ "Je suis en congés du 3 au 17 août inclus.", "2026-08-18" },
		{ "Je suis absente du 12/07 au 16/07, de retour le 20 juillet.", "2026-07-20" },
		{ "Je serai de retour le lundi 13 juillet.", "2026-07-13" },
		{ "Absent jusqu'au 15 juillet. En cas d'urgence, contactez le 01 23 45 67 89.", "2026-07-16" },
		{ "Je serai de nouveau joignable à partir du 1er août.", "2026-08-01" },
		{ "Je reviens demain.", "2026-07-02" },
		{ "Je serai de retour dans deux semaines.", "2026-07-15" },
		{ "Je suis absent cette semaine.", "2026-07-06" },
		{ "Je suis actuellement en congé, retour lundi.", "2026-07-06" },
		{ "Actuellement en vacances, je prendrai connaissance de votre message à mon retour, le 24/08/2026.",
		  "2026-08-24" },
	};
	(void)state;
	CHECK(rows, "2026-07-01T10:00:00Z", "Europe/Paris");
}

static void test_southern(void **state)
{
	static const struct row rows[] = {
		{ "Estaré fuera de la oficina hasta el 12 de agosto.", "2026-08-13" },
		{ "Estoy de vacaciones del 3 al 17 de agosto.", "2026-08-18" },
		{ "Vuelvo el lunes 13 de julio de 2026.", "2026-07-13" },
		{ "Estaré de vuelta el 15/07/2026.", "2026-07-15" },
		{ "Regreso mañana por la mañana.", "2026-07-02" },
		{ "Estaré de vuelta dentro de dos semanas.", "2026-07-15" },
		{ "Estaré disponible de nuevo a partir del 10 de julio.", "2026-07-10" },
		{ "Sono assente fino al 12 agosto compreso.", "2026-08-13" },
		{ "Sarò in ferie dal 3 al 17 agosto.", "2026-08-18" },
		{ "Rientrerò in ufficio lunedì 13 luglio.", "2026-07-13" },
		{ "Sarò nuovamente disponibile a partire dal 20 luglio.", "2026-07-20" },
		{ "Torno domani.", "2026-07-02" },
		{ "Tornerò tra due settimane.", "2026-07-15" },
		{ "L'ufficio rimarrà chiuso dall'8 al 23 agosto e riaprirà il 24 agosto.", "2026-08-24" },
		{ "Estou de férias até 12 de agosto.", "2026-08-13" },
		{ "Estarei ausente de 3 a 17 de agosto.", "2026-08-18" },
		{ "Estarei de volta em 13 de julho.", "2026-07-13" },
		{ "Regresso na segunda-feira, 13 de julho.", "2026-07-13" },
		{ "Volto amanhã.", "2026-07-02" },
		{ "Voltarei em duas semanas.", "2026-07-15" },
		{ "Estarei fora do escritório até sexta-feira.", "2026-07-04" },
	};
	(void)state;
	CHECK(rows, "2026-07-01T10:00:00Z", "Europe/Madrid");
}

static void test_dutch(void **state)
{
	static const struct row rows[] = {
		{ "Ik ben afwezig tot en met 16 januari.", "2026-01-17" },
		{ "Ik ben op vakantie tot 19 januari.", "2026-01-19" },
		{ "Ik ben vanaf maandag 12 januari weer bereikbaar.", "2026-01-12" },
		{ "Ik ben terug op 12-01-2026.", "2026-01-12" },
		{ "Met vakantie van 12 t/m 16 januari.", "2026-01-17" },
		{ "Morgen ben ik weer aanwezig.", "2026-01-08" },
		{ "Ik ben over twee weken terug.", "2026-01-21" },
		{ "Ik ben deze week afwezig.", "2026-01-12" },
	};
	(void)state;
	CHECK(rows, "2026-01-07T10:00:00Z", "Europe/Amsterdam");
}

/* Which number is the month? */
static void test_order(void **state)
{
	static const struct row us[] = { { "I will be back on 2/3.", "2026-02-03" },
					 { "Back on 20/02/2026.", "2026-02-20" } };
	static const struct row uk[] = { { "I will be back on 2/3.", "2026-03-02" },
					 { "I will be back on 12/1.", "2026-01-12" } };
	static const struct row fr[] = { { "Je serai de retour le 2/3.", "2026-03-02" } };
	(void)state;
	CHECK(us, "2026-01-07T10:00:00Z", "America/New_York");
	CHECK(uk, "2026-01-07T10:00:00Z", "Europe/London");
	CHECK(fr, "2026-01-07T10:00:00Z", "UTC");
}

static void test_two_languages(void **state)
{
	static const struct row rows[] = {
		{ "Ich bin bis 16.01.2026 abwesend und ab 19.01. wieder da.\n\n--- English version ---\n\nI am out of "
		  "office until 16 "
		  "January 2026 and back on 19 January.",
		  "2026-01-19" },
		{ "Je suis absent du 8 au 16 janvier.\nI am out of the office from January 8 to January 16.",
		  "2026-01-17" },
	};
	(void)state;
	CHECK(rows, "2026-01-07T10:00:00Z", "Europe/Zurich");
}

/* The day begins in the person's zone, and the note's own day is that of the zone too. */
static void test_zones(void **state)
{
	static const char text[] = "I am back tomorrow.";
	int64_t sent, want;
	struct err e;
	(void)state;
	assert_int_equal(clock_parse("2026-01-07T23:30:00Z", &sent, &e), 0);
	assert_int_equal(clock_parse("2026-01-08T15:00:00Z", &want, &e), 0); /* in Tokyo the 8th had begun */
	assert_int_equal(return_date_find(text, sizeof text - 1, sent, zone_find("Asia/Tokyo")), want);
	assert_int_equal(clock_parse("2026-01-08T05:00:00Z", &want, &e), 0);
	assert_int_equal(return_date_find(text, sizeof text - 1, sent, zone_find("America/New_York")), want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_english),       cmocka_unit_test(test_german), cmocka_unit_test(test_french),
		cmocka_unit_test(test_southern),      cmocka_unit_test(test_dutch),  cmocka_unit_test(test_order),
		cmocka_unit_test(test_two_languages), cmocka_unit_test(test_zones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
