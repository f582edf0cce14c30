/* rooms: base model rules */
/* The writer's own text: rows of what came and what is left, by mail program and language; and requests to stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "abv/reply_text.h"

struct row {
	const char *in, *out;
};

static int wrong_rows(const struct row *rows, size_t n, void (*read)(const char *, size_t, struct buf *))
{
	int wrong = 0;
	for (size_t i = 0; i < n; i++) {
		struct buf got = { .data = NULL };
		read(rows[i].in, strlen(rows[i].in), &got);
		if (strcmp(buf_text(&got), rows[i].out) != 0) {
			print_message("%s\n--- got\n%s\n--- expected\n%s\n\n", rows[i].in, buf_text(&got), rows[i].out);
			wrong++;
		}
		buf_free(&got);
	}
	return wrong;
}

#define CHECK(rows, read) assert_int_equal(wrong_rows(rows, sizeof(rows) / sizeof(rows)[0], read), 0)

static void test_attributions(void **state)
{
	static const struct row rows[] = {
		{ "Yes, Tuesday.\n\nOn Mon, 5 Jan 2026 at 10:12, Ann Lee <ann@example.com> wrote:\n> Tuesday?\n",
		  "Yes, Tuesday." },
		{ "Ja, gern.\n\nAm Mo., 5. Jan. 2026 um 10:12 Uhr schrieb Anna Lee <\nanna@example.com>:\n\n> Geht "
		  "Dienstag?",
		  "Ja, gern." },
		{ "Ja.\n\nAnna Lee <anna@example.com> schrieb am Mo., 5. Jan. 2026, 10:12:\n\n> Geht das?", "Ja." },
		{ "Oui.\n\nLe lun. 5 janv. 2026 à 10:12, Anne Lee <anne@example.com> a\nécrit :\n\n> Mardi ?", "Oui." },
		{ "Sí.\n\nEl lun, 5 ene 2026 a las 10:12, Ana Lee (<ana@example.com>) escribió:\n\n> ¿Martes?", "Sí." },
		{ "Va bene.\n\nIl giorno lun 5 gen 2026 alle ore 10:12 Anna Lee <anna@example.com>\nha scritto:\n\n> "
		  "Martedì?",
		  "Va bene." },
		{ "Prima.\n\nOp ma 5 jan 2026 om 10:12 schreef Anna Lee <anna@example.com>:\n\n> Dinsdag?", "Prima." },
		{ "Pode ser.\n\nEm seg., 5 de jan. de 2026 às 10:12, Ana Lee <ana@example.com>\nescreveu:\n\n> Terça?",
		  "Pode ser." },
		{ "Ok.\n\nDen mån 5 jan. 2026 kl 10:12 skrev Anna Lee <anna@example.com>:\n> Hej", "Ok." },
		{ "Fine. On Mon, 5 Jan 2026 at 10:12, Ann Lee <ann@example.com> wrote:", "Fine." }, /* nothing below */
		{ "Ok.\n\nQuoting Ann Lee <ann@example.com>:\n\n> Tuesday?", "Ok." },
		/* Apple Mail */
		{ "Fine.\n\n> On 5 Jan 2026, at 10:12, Ann Lee <ann@example.com> wrote:\n> \n> Tuesday?", "Fine." },
		/* without marks, to the end */
		{ "Fine.\n\nOn 5 Jan 2026, at 10:12, Ann Lee <ann@example.com> wrote:\n\nTuesday?\n\nAnn", "Fine." },
		{ "Fine. On Mon, 5 Jan 2026 at 10:12, Ann Lee <ann@example.com> wrote:\n> Tuesday?", "Fine." },
		{ "Fine.\n\n---- On Mon, 05 Jan 2026 10:12:00 +0100 Ann Lee <ann@example.com> wrote ----\n\nTuesday?",
		  "Fine." },
		/* below and between the quotes */
		{ "On 1/5/26 10:12 AM, Ann Lee wrote:\n> Tuesday?\nYes.\n> At ten?\n\nNo, eleven.\n",
		  "Yes.\n\nNo, eleven." },
		{ "Ann Lee wrote:\n> Tuesday?\n\nYes.", "Yes." },
		{ "AL> Tuesday?\nYes.", "Yes." },
		{ "Yes.\n\nOn Monday, January 5, 2026, Ann wrote:\n| Tuesday?\n| Ann", "Yes." },
		{ "On Monday, January 5, 2026, Ann wrote:\n    Tuesday?\n    Ann\n\nYes.", "Yes." },
		/* people's own lines that look alike */
		{ "On Monday I wrote to Bob:\nno answer yet.", "On Monday I wrote to Bob:\nno answer yet." },
		{ "We have two offices:\nParis\nBerlin", "We have two offices:\nParis\nBerlin" },
		{ "From: Paris\nTo: Berlin\nby train, please.", "From: Paris\nTo: Berlin\nby train, please." },
		{ "-> this one\n>> no", "-> this one" },
	};
	(void)state;
	CHECK(rows, reply_text_plain);
}

static void test_header_blocks(void **state)
{
	static const struct row rows[] = {
		{ "Yes.\n\nFrom: Ann Lee <ann@example.com>\nSent: Monday, January 5, 2026 10:12 AM\nTo: Bob\nSubject: "
		  "Hello\n\nTuesday?",
		  "Yes." },
		{ "Ja.\n\nVon: Anna Lee <anna@example.com>\nGesendet: Montag, 5. Januar 2026 10:12\nAn: Bob\nBetreff: "
		  "Hallo\n\nDienstag?",
		  "Ja." },
		{ "Oui.\n\nDe : Anne Lee <anne@example.com>\nEnvoyé : lundi 5 janvier 2026 10:12\nÀ : Bob\nObjet : "
		  "Bonjour\n\nMardi ?",
		  "Oui." },
		{ "Sí.\n\nDe: Ana Lee <ana@example.com>\nEnviado el: lunes, 5 de enero de 2026 10:12\nPara: "
		  "Bob\nAsunto: Hola\n\n¿Martes?",
		  "Sí." },
		{ "Sì.\n\nDa: Anna Lee <anna@example.com>\nInviato: lunedì 5 gennaio 2026 10:12\nA: Bob\nOggetto: "
		  "Ciao\n\nMartedì?",
		  "Sì." },
		{ "Ja.\n\nVan: Anna Lee <anna@example.com>\nVerzonden: maandag 5 januari 2026 10:12\nAan: "
		  "Bob\nOnderwerp: Hallo\n\nDinsdag?",
		  "Ja." },
		{ "Sim.\n\nDe: Ana Lee <ana@example.com>\nEnviada em: segunda-feira, 5 de janeiro de 2026 10:12\nPara: "
		  "Bob\nAssunto: Olá\n\nTerça?",
		  "Sim." },
		{ "Yes.\n________________________________\nFrom: Ann Lee\nSent: Monday, January 5, 2026 10:12:00 "
		  "AM\nTo: Bob\nSubject: Hello\n\nTuesday?",
		  "Yes." },
		{ "Yes.\n\n*From:* Ann Lee <ann@example.com>\n*Date:* Monday, 5 January 2026\n*To:* Bob\n*Subject:* "
		  "Hello\n\nTuesday?",
		  "Yes." },
		{ "Yes.\n\n-----Original Message-----\nFrom: Ann\nTuesday?", "Yes." },
		{ "Ja.\n\n-----Ursprüngliche Nachricht-----\nDienstag?", "Ja." },
		{ "Oui.\n\n-------- Message d'origine --------\nMardi ?", "Oui." },
		{ "Sí.\n\n-----Mensaje original-----\n¿Martes?", "Sí." },
		{ "Sì.\n\n-----Messaggio originale-----\nMartedì?", "Sì." },
		{ "Ja.\n\n-----Oorspronkelijk bericht-----\nDinsdag?", "Ja." },
		{ "Sim.\n\n-----Mensagem original-----\nTerça?", "Sim." },
		{ "For you.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@example.com>\nDate: Mon, 5 Jan "
		  "2026\n\nTuesday?",
		  "For you." },
		{ "Zur Info.\n\nAnfang der weitergeleiteten Nachricht:\n\nVon: Ann <ann@example.com>\n\nDienstag?",
		  "Zur Info." },
	};
	(void)state;
	CHECK(rows, reply_text_plain);
}

static void test_signatures(void **state)
{
	static const struct row rows[] = {
		{ "Call me.\n\n-- \nBob Ray\n+1 555 010 0199", "Call me." },
		{ "Call me.\n\nBest regards,\nBob Ray\nHead of IT\n+1 555 010 0199\nwww.example.com", "Call me." },
		{ "Rufen Sie an.\n\nMit freundlichen Grüßen\nBob Ray\nTel. 089 123456-0\nbob@example.com",
		  "Rufen Sie an." },
		{ "Call me.\n\nThanks,\nBob", "Call me.\n\nThanks,\nBob" }, /* no contact data: his words */
		{ "Ask Gina:\n\nGina Ray\ngina@example.com\n+1 555 010 0199",
		  "Ask Gina:\n\nGina Ray\ngina@example.com\n+1 555 010 0199" },
		{ "Yes.\n\nSent from my iPhone", "Yes." },
		{ "Yes.\n\nSent from my desk, is much easier than my telephone.",
		  "Yes.\n\nSent from my desk, is much easier than my telephone." },
		{ "Ja.\n\nVon meinem iPhone gesendet", "Ja." },
		{ "Oui.\n\nEnvoyé de mon iPhone", "Oui." },
		{ "Sí.\n\nEnviado desde mi iPhone", "Sí." },
		{ "Sì.\n\nInviato da iPhone", "Sì." },
		{ "Ja.\n\nVerstuurd vanaf mijn iPhone", "Ja." },
		{ "Sim.\n\nEnviado do meu iPhone", "Sim." },
		{ "Yes.\n\nGet Outlook for Android<https://aka.ms/AAb9ysg>", "Yes." },
		{ "Yes.\n\nCONFIDENTIALITY NOTICE: This e-mail is for its addressee.\nDelete it otherwise.", "Yes." },
		{ "Ja.\n\nDiese E-Mail enthält vertrauliche Informationen.", "Ja." },
		{ "Yes.\n_______________________________________________\nUsers mailing "
		  "list\nhttps://example.org/mailman/listinfo/users",
		  "Yes." },
		{ "-- \nBob Ray\n+1 555 010 0199",
		  "--\nBob Ray\n+1 555 010 0199" }, /* nothing else: better than nothing */
		{ "Two lines:\n\n--\n\nand below it I say a lot\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\nend",
		  "Two lines:\n\n--\n\nand below it I say a lot\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\nend" },
	};
	(void)state;
	CHECK(rows, reply_text_plain);
}

static void test_white_space(void **state)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "\r\n \r\nYes.  \r\n\r\n\r\n\r\nNo.\r\n\r\n", "Yes.\n\nNo." },
		{ "\xef\xbb\xbfYes\xc2\xa0sir\xe2\x80\x8b.", "Yes sir." },
		{ "> only a quote", "" },
		{ "Sent from my iPhone", "" },
		/* an answer below an unmarked quote cannot be told from it: nothing is lost */
		{ "From: Ann <ann@example.com>\nSent: Monday\nTo: Bob\nSubject: Hello\n\nTuesday?\n\nYes, Tuesday.",
		  "Tuesday?\n\nYes, Tuesday." },
	};
	(void)state;
	CHECK(rows, reply_text_plain);
}

static void test_html(void **state)
{
	static const struct row rows[] = {
		{ "<div dir=\"ltr\">Yes &amp; no.</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" "
		  "class=\"gmail_attr\">On Mon, Jan 5, 2026 at 10:12 AM Ann "
		  "&lt;<a href=\"mailto:ann@example.com\">ann@example.com</a>&gt; wrote:<br></div><blockquote "
		  "class=\"gmail_quote\" "
		  "style=\"border-left:1px solid\">Tuesday?</blockquote></div>",
		  "Yes & no." },
		{ "<p class=MsoNormal>Yes.<o:p></o:p></p><div style='border:none;border-top:solid #E1E1E1 "
		  "1.0pt;padding:3.0pt 0cm 0cm 0cm'><p><b>X:</b> "
		  "Ann</p></div><p>Tuesday?</p>",
		  "Yes." },
		{ "<div>Yes.</div><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\"><b>From:</b> "
		  "Ann</div><div>Tuesday?</div>",
		  "Yes." },
		{ "Yes.<br><div class=\"moz-cite-prefix\">Am 05.01.26 um 10:12 schrieb Ann:<br></div><blockquote "
		  "type=\"cite\">Dienstag?</blockquote>",
		  "Yes." },
		{ "<div>Yes.</div><div class=\"yahoo_quoted\">On Monday, Ann wrote:<div>Tuesday?</div></div>", "Yes." },
		{ "<div>Yes.</div><div class=\"protonmail_signature_block\">Sent with Proton</div><div "
		  "class=\"protonmail_quote\">Tuesday?</div>",
		  "Yes." },
		{ "<div>Yes.</div><hr id=\"zwchr\" data-marker=\"__DIVIDER__\"><div "
		  "data-marker=\"__HEADERS__\">x</div>Tuesday?",
		  "Yes." },
		{ "Yes.<div id=\"ms-outlook-mobile-signature\">Get it</div><div "
		  "id=\"mail-editor-reference-message-container\">Tuesday?</div>",
		  "Yes." },
		{ "<blockquote type=cite>Tuesday?</blockquote><p>Yes.</p><blockquote type=cite>At "
		  "ten?</blockquote><p>No.</p>",
		  "Yes.\n\nNo." },
		{ "One<blockquote style=\"margin:0 0 0 40px;border:none;padding:0px\">two</blockquote>",
		  "One\n\ntwo" }, /* the writer's indentation */
		{ "Yes.<br><blockquote>Tuesday?</blockquote>", "Yes." },
		{ "<style>p{}</style><script>1</script><!-- x --><ul><li>One<li>Two</ul><p>See <a "
		  "href=\"https://example.com\">here</a>.</p>",
		  "- One\n- Two\n\nSee here." },
		{ "Gr&uuml;&szlig;e &#8364;&#x20ac; &lt;b&gt; &nosuch; a < b", "Grüße €€ <b> &nosuch; a < b" },
		{ "<pre>a\n  b</pre>c", "a\n  b\n\nc" },
		{ "a<span style=\"display:none\">hidden</span>b", "ab" },
		{ "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc" },
		{ "<style>never closed <p>Yes.", "never closed\n\nYes." },
		{ "<div>Yes.<blockquote class=quote", "Yes." },
	};
	(void)state;
	CHECK(rows, reply_text_html);
}

static void test_mail(void **state)
{
	struct mail_part part[] = { { .type = "multipart/alternative", .text = "", .end = 3 },
				    { .type = "text/plain", .text = " \n", .text_len = 2, .end = 2 },
				    { .type = "text/html", .text = "<p>Yes.</p>", .text_len = 11, .end = 3 } };
	struct mail m = { .part = part, .part_n = 3 };
	struct buf out = { .data = NULL };
	(void)state;
	reply_text_mail(&m, &out);
	assert_string_equal(buf_text(&out), "Yes.");
	buf_clear(&out);
	part[1].text = "No.\n";
	part[1].text_len = 4;
	reply_text_mail(&m, &out);
	assert_string_equal(buf_text(&out), "No.");
	buf_clear(&out);
	part[0].type = "message/rfc822"; /* another's mail */
	reply_text_mail(&m, &out);
	assert_string_equal(buf_text(&out), "");
	buf_free(&out);
}

static void test_unsubscribe(void **state)
{
	static const char *const yes[] = {
		"unsubscribe",
		"Please unsubscribe me.",
		"UNSUBSCRIBE!!",
		"Hi Ann,\n\nplease remove me from your list.\n\nBob",
		"Take me off this list.",
		"Stop emailing me",
		"STOP",
		"Please don't contact me again.",
		"I no longer wish to receive your emails.",
		"How do I unsubscribe?",
		"Not interested. Remove.",
		"Opt-out please",
		"Bitte nehmen Sie mich aus Ihrem Verteiler.",
		"Bitte keine weiteren E-Mails mehr.",
		"Abmelden",
		"Hiermit widerspreche ich der Nutzung meiner Daten. Bitte löschen Sie meine Adresse.",
		"Schicken Sie mir bitte keine Mails mehr.",
		"Merci de me désinscrire.",
		"Désabonnez-moi",
		"Merci de ne plus m'envoyer de mails.",
		"Veuillez me retirer de votre liste.",
		"Je ne souhaite plus recevoir vos messages.",
		"Por favor, denme de baja.",
		"No quiero recibir más correos.",
		"Eliminen mi correo de su lista.",
		"No me escriban más.",
		"Cancellatemi dalla lista.",
		"Vi prego di non scrivermi più.",
		"Non desidero più ricevere le vostre email.",
		"Rimuovetemi per favore",
		"Graag afmelden.",
		"Wilt u mij van de lijst verwijderen?",
		"Ik wil geen mails meer ontvangen.",
		"Schrijf mij uit.",
		"Por favor, remova-me da lista.",
		"Não quero mais receber seus e-mails.",
		"Parem de me enviar e-mails.",
		"Descadastrar",
		"Not interested, please remove.",
		"Please remove bob@acme.example from your mailing list.",
		"We are not interested, please do not send any further e-mails.",
		"Kein Interesse, bitte keine weiteren Mails.",
		"Bitte sehen Sie von weiteren Mails ab.",
		"Bájenme de la lista",
		"Quero sair da lista.",
		NULL
	};
	static const char *const no[] = { "",
					  "Yes, please send it.",
					  "Please don't remove me from the list, I like it.",
					  "How do I unsubscribe my colleague?",
					  "Do not hesitate to call.",
					  "Don't stop sending these!",
					  "Our unsubscribe rate is 2 %.",
					  "Can you stop by on Tuesday?",
					  "Not interested at the moment, thanks.",
					  "We can talk on Tuesday. Remove the second clause and it is fine.",
					  "Please contact my colleague.",
					  "The old button confuses people. I would say\nremove it.",
					  "Please remove the price page from the offer and send it again.",
					  "Please don't send me the PDF again, I have it. When can we talk?",
					  "Could you take me off CC and put Tom instead?",
					  "Please take us off the waiting list and start the trial.",
					  "Ich möchte keine E-Mails mehr verpassen.",
					  "Bitte nicht abmelden!",
					  "Bitte entfernen Sie mich nicht von der Liste.",
					  "Können wir am Dienstag sprechen?",
					  "Ne me retirez pas de la liste.",
					  "Pas intéressé pour le moment.",
					  "No me borren de la lista.",
					  "No me interesa, gracias.",
					  "Non cancellatemi dalla lista.",
					  "Non mi interessa.",
					  "Verwijder mij niet van de lijst.",
					  "Geen interesse, dank u.",
					  "Não me remova da lista.",
					  "Não tenho interesse.",
					  "Who are you?",
					  "I never got the first mail, please send it again.",
					  NULL };
	int wrong = 0;
	(void)state;
	for (const char *const *s = yes; *s != NULL; s++)
		if (!reply_text_unsubscribes(*s, strlen(*s))) {
			print_message("asks to stop: %s\n", *s);
			wrong++;
		}
	for (const char *const *s = no; *s != NULL; s++)
		if (reply_text_unsubscribes(*s, strlen(*s))) {
			print_message("does not: %s\n", *s);
			wrong++;
		}
	assert_int_equal(wrong, 0);
}

/* Time in proportion to length, whatever the text: ten megabytes of each within a second or two of one core. */
static void test_hostile(void **state)
{
	static const char *const bits[] = {
		"\n",        ">",           "> \n",  "<",    "<div>",    "</div>",  "<blockquote>",
		"<!--",      "<style>",     "</p>",  "&",    "&#",       "<a b=\"", "On 1/1/26 wrote:\n",
		"a@b <\n",   "From: a@b\n", "-- \n", "1.1.", "until 1 ", "a\n\n",   "\xc3",
		"<p style='"
	};
	const size_t n = 10U << 20;
	char *text = malloc(n);
	assert_non_null(text);
	(void)state;
	for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
		struct buf out = { .data = NULL };
		size_t len = strlen(bits[i]);
		clock_t begin = clock();
		for (size_t k = 0; k < n; k++)
			text[k] = bits[i][k % len];
		reply_text_plain(text, n, &out);
		reply_text_html(text, n, &out);
		reply_text_unsubscribes(text, n);
		return_date_find(text, n, 1767780000000, zone_utc());
		double took = (double)(clock() - begin) / CLOCKS_PER_SEC;
		if (took > 1)
			print_message("%s: %.2f s\n", bits[i], took);
		assert_true(took < 20); /* the sanitizers are slow */
		buf_free(&out);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributions), cmocka_unit_test(test_header_blocks),
		cmocka_unit_test(test_signatures),   cmocka_unit_test(test_white_space),
		cmocka_unit_test(test_html),         cmocka_unit_test(test_mail),
		cmocka_unit_test(test_unsubscribe),  cmocka_unit_test(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
