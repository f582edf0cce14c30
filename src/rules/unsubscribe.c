/* A request to get no more mail: a phrase that asks so, in a text short enough to be about that, in a sentence that
 * does not turn it round ("please don't remove me") nor speak of others ("how do I unsubscribe my colleague?"). A word
 * alone ("stop", "unsubscribe") counts as a sentence of its own. Suppression is for ever: in doubt it is an ordinary
 * answer, which stops the sequence as well. */
#include <string.h>

#include "abv/reply_text.h"
#include "reply_int.h"
#include "words_int.h"

#define WORDS_MAX 80 /* of the whole text */
#define BYTES_MAX 1200

/* clang-format off */
/* "~": begins so; "*": up to three words between (words_int.h). Apostrophes part words: don't = "don t". */
static const char *const asks[] = {
	/* en */
	"unsubscribe me|us|my|our|this|from|now|immediately|asap|please|both|all|and", "please unsubscribe", "pls unsubscribe", "kindly unsubscribe",
	"want|like|wish|need|asked|ask|trying|tried|prefer|love to unsubscribe", "to be unsubscribed", "unsubscribe i|as|at", "how do|can|to i unsubscribe", "how to unsubscribe",
	"can|could|would|will you unsubscribe", "remove me|us|my|our|this", "remove * from * list~|mailing|database|distribution", "be removed from", "want|like|wish to be removed", "removed from your|this|the|any * list~|mailing~|database",
	"take me|us|our|my * off", "get me|us off", "take off * list~", "off your|this|the mailing|list|lists|email|distribution", "stop sending|spamming|emailing|mailing|contacting|writing|bothering|messaging|soliciting|harassing|these|this|all|with|the",
	"stop email~", "no more email~|mail|mails|messages|spam", "do not|never email|emails|contact|write|mail|message|spam|solicit|reach|approach", "don t email|contact|write|mail|message|spam|reach|bother",
	"don t send * email~|mail|mails|message|messages|spam|newsletter~|anything|any|more|this|these|such|stuff",
	"do not send * email~|mail|mails|message|messages|spam|newsletter~|anything|any|more|this|these|such|stuff",
	"never send * email~|mail|mails|message|messages|spam|newsletter~|anything|any|more|this|these|such|stuff",
	"don t want|wish|need * receive|get|hear|any * email~|mail|mails|messages|newsletter~|from", "do not want|wish|need|consent * receive|get|hear|to|any", "not wish|want to receive|hear|be contacted|get",
	"no longer wish|want|interested * receive|receiving|hear|get|emails|mails", "opt out", "opt me|us|my out", "opting out", "optout", "cease and desist", "cease all|contact|sending|emailing", "delete my|me|our|all * email~|data|address|details|contact|record~|info|information|database|list|system|from|name",
	"erase my|our", "exclude me|us|my|our", "leave me|us alone", "lose my email|address|number", "gdpr deletion|erasure|removal", "reporting|reported|report|marking|marked|mark * spam|junk", "reporting|report|marking|mark * as * spam|junk", "never contacted|contact again|me",
	"discontinue all|sending|these|emails", "cancel my subscription|newsletter", "withdraw my consent", "revoke my consent", "off your|the radar",
	/* de */
	"bitte * abmelden", "bitte abmelden|austragen", "meld|melde|melden * ab", "abmelden", "abbestellen", "bestelle|bestellen * ab", "abbestellung", "abmeldung", "austragen", "tragen|trage|trag * aus", "aus * verteiler|liste|mailingliste|datenbank|verteilerliste * streichen|loschen|nehmen|entfernen|austragen|zu|raus",
	"aus * verteiler|newsletterverteiler|mailingliste|verteilerliste", "von * liste|verteilerliste|mailingliste * streichen|loschen|nehmen|entfernen", "loschen|losche sie * meine|mich|unsere", "meine|unsere * daten|adresse|email * loschen", "entfernen sie mich|uns|meine|unsere", "entferne~ mich", "streichen sie mich|uns|meine", "mich|uns * entfernen|streichen",
	"keine * emails|mails|mail|werbung|nachrichten|newsletter|werbemails|post|zusendungen * mehr|erhalten|senden|schicken|zusenden|bekommen|zu", "keine weiteren * emails|mails|nachrichten|newsletter|zusendungen|kontaktaufnahmen", "keine werbung|mails|emails mehr", "sehen * weiteren|weiterer * ab", "nicht mehr * kontaktieren|anschreiben|schreiben|senden|schicken|kontaktiert|angeschrieben", "kein interesse an weiteren|ihren mails|emails|nachrichten",
	"unterlassen sie|es", "horen|hor sie|auf * mails|emails|schreiben|spammen|senden|schicken", "kontaktieren sie mich|uns nicht", "widerspreche * nutzung|verarbeitung|zusendung|kontaktaufnahme|werbung|verwendung", "widerrufe * einwilligung", "lassen sie mich|uns in ruhe",
	/* fr */
	"desabonn~", "desinscri~", "me|nous desabonner|desinscrire|retirer|supprimer|desinscri~|desabonn~", "retirez|retirer|supprimez|supprimer|enlevez|enlever|otez|rayez moi|nous|me|mon|mes|notre|nos|mon", "ne * plus * recevoir|envoyer|envoyez|contacter|contactez|ecrire|ecrivez|solliciter|sollicitez", "ne m|nous|me envoyez|contactez|ecrivez|envoyer|contacter|sollicitez plus", "ne nous|me contactez plus",
	"ne plus * recevoir|etre|contacter|envoyer", "plus * recevoir * mails|emails|courriels|messages|newsletter", "arretez * envoyer|ecrire|contacter|spammer|mails|emails|spam|harceler|solliciter|vos", "arreter * envoyer|ecrire|contacter|mails|emails", "cessez de|vos|tout|ces|d", "plus de mails|emails|messages|courriels|sollicitations", "retrait * liste", "hors de votre liste", "stop aux mails|emails", "stop mails|emails|pub|spam|newsletter",
	/* es */
	"darme|darnos|dame|denme|deme|darse|dar|dadme de baja", "me * de baja", "baja de * lista|newsletter|boletin|base|suscripcion", "quiero|solicito|deseo|ruego * baja", "dese de baja|alta", "cancelar * suscripcion", "anular * suscripcion", "desuscrib~", "desuscrip~", "eliminar|eliminen|elimine|elimineme|eliminenme|borrar|borren|borre|borrame|borrenme|quitar|quiten|quite|quitame|quitenme|saquenme|sacame|saquen|retirenme * lista|base|datos|correo|email|direccion|me|mi|mis|nuestro|contactos",
	"eliminenme|elimineme|borrenme|borreme|quitenme|quiteme|saquenme|sacame|quitame|borrame|eliminame", "no me|nos envien|envie|escriban|escriba|contacten|contacte|manden|mande|envies|escribas|molesten", "no * recibir mas|correos|emails|mensajes|publicidad", "no quiero|deseo|queremos|deseamos * recibir", "no * mas * correos|emails|mensajes|publicidad", "bajenme|bajeme|bajame de", "dejen|deje|deja|dejad de enviar~|escribir~|mandar~|contactar~|molestar~|enviarme", "no volver|vuelvan|vuelva a contactar~|escribir~|enviar~",
	/* it */
	"cancellami|cancellatemi|cancellarmi|mi cancelli|cancelli|cancellate|cancellare|cancellateci * lista|mailing|iscrizione|newsletter|indirizzo|database|mio|dati|dalla|dal|contatti", "cancellami|cancellatemi|rimuovetemi|rimuovimi|toglietemi|toglimi|disiscrivetemi|disiscrivimi|eliminatemi|eliminami", "mi cancelli|rimuova|tolga|disiscriva", "disiscri~", "disiscrivermi", "annulla~ * iscrizione", "rimuovere|rimuovete|rimuovi|rimuova|togliere|togliete|eliminare|eliminate|elimini * lista|mailing|database|indirizzo|email|mio|nominativo|contatti|dati",
	"non * piu * ricevere|inviate|inviare|inviatemi|scrivere|scrivetemi|contattare|contattatemi|contattarmi|mandate|mandatemi|email|mail|scrivermi|inviarmi|mandarmi", "non inviate~|inviarmi|scrivete~|scrivermi|contattate~|contattarmi|mandate~ piu|altre|ulteriori|mai", "non voglio|vogliamo|desidero|desideriamo * ricevere", "smette~|smettila di|inviare", "basta email|mail|spam|messaggi", "non desidero * ricevere",
	/* nl */
	"afmelden", "uitschrijven", "afmelding", "uitschrijving", "meld mij|me|ons * af", "schrijf mij|me|ons * uit", "schrijf|meld * uit|af", "uitgeschreven|afgemeld * worden", "verwijder mij|me|ons|mijn|onze|dit", "mij|me|ons * verwijderen", "mijn|onze * adres|emailadres|gegevens|email * verwijderen", "haal mij|me|ons|mijn * lijst|af|uit|bestand|mailinglijst",
	"geen * mails|emails|mail|berichten|email|nieuwsbrief|nieuwsbrieven|reclame * meer|ontvangen", "niet meer * mailen|mailt|contacteren|benaderen|schrijven|benaderd|gemaild|sturen", "stop met mailen|sturen|spammen|het|deze|contacteren|emails", "stuur mij|me|ons * geen|niet|nooit", "mail mij|me|ons niet", "neem geen contact",
	/* pt */
	"descadastr~", "cancelar|cancele|cancela|cancelem * inscricao|assinatura|subscricao|subscricoes", "anular * subscricao", "desinscrev~", "remova~|remover|remove|retire~|retirar|tire~|tirar|exclua~|excluir|elimine~|eliminar|apague~|apagar me|nos|meu|minha|meus|nosso|da|do|lista|email|este",
	"me remova~|retire~|tire~|exclua~|descadastre~|remover|retirar|tirar|excluir", "removam|remova|retirem|tirem me", "nao * receber * mais|emails|mensagens|email|nada", "nao quero|queremos|desejo|desejamos|pretendo|pretendemos * receber", "nao * mais * enviem|envie|mandem|contatem|contactem|escrevam|emails|mensagens|receber", "nao me|nos * enviem|envie|mandem|mande|contatem|contactem|contacte|escrevam|escreva|envies|incomodem", "parem|pare|para|parar de|com * enviar|mandar|escrever|emails|contactar|contatar|mensagens|spam|me", "chega de emails|mensagens|spam", "sair da|desta|dessa|de * lista",
	NULL,
};

/* Whole sentences of at most four words that begin so. */
static const char *const alone[] = {
	"unsubscribe~", "un subscribe", "unsuscribe", "unsubcribe", "remove", "please remove", "stop", "removed please", "please stop", "opt out", "spam", "abmelden", "austragen", "stopp", "loschen", "desabonnement", "desinscription", "desabonner", "baja", "cancelar suscripcion",
	"dar de baja", "cancellami", "cancellazione", "disiscrizione", "rimuovimi", "afmelden", "uitschrijven", "stoppen", "descadastrar", "cancelar inscricao", "cancelar subscricao", "remover", "parar", "arretez", "arreter", NULL,
};

static const char *const negations[] = { "don t", "not", "never", "didn t", "doesn t", "won t", "haven t", "nicht", "kein|keine|keinen", "ne", "n", "no", "non", "niet", "nao", "nunca", "nie", "jamais", "mai", "without", "instead of", "ohne", "nooit", NULL };
static const char *const negations_after[] = { "nicht", "niet", "pas", NULL };
static const char *const carries_on[] = { "mehr|meer|weiter|langer|nochmal|wieder|plus|again", NULL };

/* The sentence speaks of others, or about unsubscribing. */
static const char *const others[] = {
	"colleague~|coworker~|customers|clients|users|subscribers|recipients|boss|assistant|husband|wife|friend", "kolleg~|mitarbeiter~|kunden|nutzer|abonnenten", "collegue~|clients|utilisateurs|abonnes", "companer~|clientes|usuarios|suscriptores", "collegh~|collega|clienti|utenti",
	"collega~|klanten|gebruikers|abonnees", "colegas|colega|clientes|usuarios|assinantes", "unsubscribe rate~|handling|feature|process|flow|functionality|compliance", "unsubscribes|unsubscribers", "opt out rate~|feature|process|handling|flow|mechanism|period|clause|plan|scheme", "abmelderate|abmeldequote", "taux de desabonnement|desinscription", "tasa de baja|bajas", "opt out of the", "do not contact list|lists",
	"off cc|copy", "off the cc|copy|thread|loop|waiting", "verpassen|versaumen", "rater|manquer", "perderme|perdernos|perdere|perdermi|missen",
	"do not hesitate", "don t hesitate", "do not wish|want to miss|stop|lose", "stop by|in|over", "remove it|that|them|those|these", "remove this|the|my|our comment|line|clause|paragraph|limit|blocker|barrier|feature|friction|obstacle", "off the list price", "before the|a|our|your * meeting|call",
	NULL,
};
/* clang-format on */

struct asked {
	const char *s;
	struct word w[WORDS_MAX + 1];
	size_t n;
};

/* Is the phrase [i, i + n) of the sentence [from, to) turned round? Phrases that hold a negation themselves begin with
 * it or ask for an end; only what stands before them counts. */
static bool turned_round(const struct asked *a, size_t from, size_t i, size_t n, size_t to)
{
	size_t begin = i > from + 3 ? i - 3 : from;
	for (size_t k = i; k > begin; k--)
		if (a->w[k - 1].after == ',') /* "not interested, don't write": the first half is over */
			begin = k;
	for (size_t k = begin; k < i; k++) {
		size_t len = words_match_any(a->s, a->w, k, i, negations);
		if (len > 0 && k + len <= i)
			return true;
	}
	for (size_t k = i + n; k < to && k < i + n + 3; k++)
		if (words_match_any(a->s, a->w, k, to, negations_after) > 0 &&
		    (k + 1 >= to || words_match_any(a->s, a->w, k + 1, to, carries_on) == 0))
			return true;
	return false;
}

/* A line, or what stands between commas, that is the request and nothing else: "Hi John,\nunsubscribe\nJane". */
static bool asks_alone(const struct asked *a, size_t from, size_t to)
{
	size_t end = from + 1;
	while (end < to && strchr("\n,", a->w[end - 1].after) == NULL)
		end++;
	for (size_t k = from; k < end; k++)
		if (words_match_any(a->s, a->w, k, end, others) > 0)
			return false;
	return end - from <= 4 && words_match_any(a->s, a->w, from, end, alone) > 0 && a->w[end - 1].after != '?' &&
	       !turned_round(a, from, from, 1, end);
}

static bool sentence_asks(const struct asked *a, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if ((i == from || strchr("\n,", a->w[i - 1].after) != NULL) && asks_alone(a, i, to))
			return true;
	for (size_t i = from; i < to; i++)
		if (words_match_any(a->s, a->w, i, to, others) > 0)
			return false;
	for (size_t i = from; i < to; i++) {
		size_t n = words_match_any(a->s, a->w, i, to, asks);
		if (n > 0 && !turned_round(a, from, i, n, to))
			return true;
	}
	return false;
}

bool reply_text_unsubscribes(const char *text, size_t n)
{
	struct buf folded = { .data = NULL };
	struct asked a;
	bool asks_so = false;
	while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
		n--;
	if (n > BYTES_MAX)
		return false;
	fold_text(text, n, &folded);
	a.s = buf_text(&folded);
	a.n = words_split(a.s, a.w, WORDS_MAX + 1);
	for (size_t from = 0, to; a.n <= WORDS_MAX && from < a.n && !asks_so; from = to) {
		for (to = from + 1; to < a.n && a.w[to].sentence == a.w[from].sentence; to++)
			;
		asks_so = sentence_asks(&a, from, to);
	}
	buf_free(&folded);
	return asks_so;
}
