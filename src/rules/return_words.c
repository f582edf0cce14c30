/* The words of absence notes in English, German, French, Spanish, Italian, Dutch and Portuguese: data only, folded.
 * Phrases as in words_int.h. */
#include "return_int.h"

/* clang-format off */
const struct named_number month_names[] = {
	{ "january|jan|janner|januar|jaenner|janvier|janv|enero|ene|gennaio|gen|januari|janeiro", 1 },
	{ "february|feb|februar|fevrier|fevr|fev|febrero|febbraio|februari|fevereiro", 2 },
	{ "march|mar|marz|maerz|mrz|mars|marzo|maart|mrt|marco", 3 },
	{ "april|apr|avril|avr|abril|abr|aprile", 4 },
	{ "may|mai|mayo|maggio|mag|mei|maio", 5 },
	{ "june|jun|juni|juin|junio|giugno|giu|junho", 6 },
	{ "july|jul|juli|juillet|juil|julio|luglio|lug|julho", 7 },
	{ "august|aug|aout|agosto|ago|augustus", 8 },
	{ "september|sep|sept|septembre|septiembre|setiembre|settembre|set|setembro", 9 },
	{ "october|oct|oktober|okt|octobre|octubre|ottobre|ott|outubro|out", 10 },
	{ "november|nov|novembre|noviembre|novembro", 11 },
	{ "december|dec|dezember|dez|decembre|diciembre|dic|dicembre|dezembro", 12 },
	{ 0, 0 },
};

/* 0: Monday */
const struct named_number weekday_names[] = {
	{ "monday|mon|montag|lundi|lunes|lunedi|maandag|segunda", 0 },
	{ "tuesday|tue|tues|dienstag|mardi|martes|martedi|dinsdag|terca", 1 },
	{ "wednesday|wed|mittwoch|mercredi|miercoles|mercoledi|woensdag|quarta", 2 },
	{ "thursday|thu|thur|thurs|donnerstag|jeudi|jueves|giovedi|donderdag|quinta", 3 },
	{ "friday|fri|freitag|vendredi|viernes|venerdi|vrijdag|sexta", 4 },
	{ "saturday|sat|samstag|sonnabend|samedi|sabado|sabato|zaterdag", 5 },
	{ "sunday|sun|sonntag|dimanche|domingo|domenica|zondag", 6 },
	/* short forms, before a date only */
	{ "mo|lun|lu|ma|seg", 7 }, { "di|mar|mie|ter", 7 }, { "mi|mer|wo|qua", 7 }, { "do|jeu|jue|gio|don|qui", 7 }, { "fr|ven|vie|vr|sex", 7 },
	{ "sa|sam|sab|za", 7 }, { "so|dim|dom|zo", 7 },
	{ 0, 0 },
};

const struct named_number number_names[] = {
	{ "one|a|an|ein|eine|einem|einer|einen|un|une|una|uno|een|um|uma", 1 }, { "two|zwei|deux|dos|due|twee|dois|duas", 2 },
	{ "three|drei|trois|tres|tre|drie", 3 }, { "four|vier|quatre|cuatro|quattro|quatro", 4 }, { "five|funf|cinq|cinco|cinque|vijf", 5 },
	{ "six|sechs|seis|sei|zes", 6 }, { "seven|sieben|sept|siete|sette|zeven|sete", 7 }, { "eight|acht|huit|ocho|otto|oito", 8 },
	{ "ten|zehn|dix|diez|dieci|tien|dez", 10 }, { "fourteen|vierzehn|quatorze|catorce|quattordici|veertien|catorze", 14 }, { "couple|paar", 2 },
	{ 0, 0 },
};

/* Days from today. */
const struct named_number relative_names[] = {
	{ "day after tomorrow", 2 }, { "tomorrow", 1 }, { "ubermorgen|uebermorgen|overmorgen", 2 }, { "morgen", 1 }, { "apres demain", 2 }, { "demain", 1 },
	{ "pasado manana", 2 }, { "manana", 1 }, { "dopodomani", 2 }, { "domani", 1 }, { "depois de amanha", 2 }, { "amanha", 1 },
	{ "today|heute|aujourd|hoy|oggi|vandaag|hoje", 0 }, { "rest of the day", 0 },
	{ 0, 0 },
};

const struct named_number unit_names[] = {
	{ "day|days|tag|tage|tagen|jour|jours|dia|dias|giorno|giorni|dag|dagen", 1 },
	{ "week|weeks|woche|wochen|semaine|semaines|semana|semanas|settimana|settimane|weken", 7 },
	{ "month|months|monat|monate|monaten|mois|mes|meses|mese|mesi|maand|maanden", 30 },
	{ 0, 0 },
};

const char *const whole_week[] = {
	"rest|remainder of the|this week", "end of the|this week", "all week", "all this week", "the whole|entire week", "this week",
	"rest|ende der|dieser woche", "restliche|ganze woche", "diese|dieser|der ganzen woche", "diese|dieser woche", "gesamte woche",
	"reste|fin de la|cette semaine", "toute la semaine", "cette semaine", "fin de semaine",
	"resto|final|finales de la|esta semana", "toda la semana", "esta semana",
	"resto|fine della|di settimana|questa settimana", "tutta la settimana", "questa settimana", "fine settimana",
	"rest|einde van de|deze week", "hele week", "deze week", "eind van de week",
	"resto|fim|final da|desta|de semana", "toda a semana", "esta|nesta semana", 0,
};
const char *const whole_month[] = {
	"end of the|this month", "rest of the|this month", "ende des|dieses monats", "monatsende", "fin du|de mois|ce", "fin de|del mes|este", "finales de mes", "fine del mese",
	"einde|eind van de|deze maand", "fim|final do|deste mes", 0,
};
const char *const next_week[] = {
	"next week", "of next week", "the following week", "nachste|nachster|kommende|kommender|folgende|folgender woche", "der nachsten|kommenden|folgenden woche", "de la semaine prochaine", "la semaine prochaine", "semaine prochaine", "de la semana que viene|proxima",
	"de la proxima semana", "la semana que viene", "proxima semana", "semana que vem", "da proxima|outra semana", "da semana que vem", "della prossima settimana", "prossima settimana", "settimana prossima", "della settimana prossima", "volgende week", "komende week", "van volgende week", 0,
};

/* The day named is the day of return: English "until Monday", Dutch "tot maandag". */
const char *const cue_until[] = {
	"until|till|til|untill", "until|till|til the|approximately|about|around|early|late|next|this|at|after|least|on|roughly|approx|circa", "until at least", "until the morning of", "until after", "tot", "tot de|aan|op|na|circa|aanstaande|komende|volgende|a",
	"before|prior", "before the", "prior to", "vor", "vor dem|den", "avant", "avant le", "antes del|de|do", "prima del|di|dell", "voor", 0,
};
/* The day named is the last of the absence: through, bis, jusqu'au, hasta, fino al, t/m, até. */
const char *const cue_through[] = {
	"through|thru|throughout", "through the|next|this|to|until|and", "up to and including", "up to|including", "inclusive of", "until and including", "until end of", "until the end of", "till end of", "till the end of", "ending|ends", "ending|ends on", "last day is",
	"bis", "bis zum|einschliesslich|inklusive|inkl|einschl|incl|und|kommenden|nachsten|voraussichtlich|ca|mit|am|diesen|dem|ende", "bis und mit", "bis einschliesslich|inklusive|inkl zum|den|dem", "bis zum kommenden|nachsten|ende", "bis voraussichtlich|ca zum|am", "bis voraussichtlich", "bis zu",
	"jusqu|jusque", "jusqu au|a|en|ce|aux|lundi", "jusqu a|au|en la|fin|prochain", "jusqu au * fin|prochain", "jusque le|fin",
	"hasta", "hasta el|la|proximo|este|finales|fin", "hasta el proximo|dia|pasado|final|fin", "hasta el dia", "hasta el fin|final de", "hasta finales|fin de",
	"fino", "fino al|a|all|alla|il|ad", "fino al|a|alla prossimo|giorno|fine", "sino al|a|all", "fino a fine", "fino al giorno",
	"tot en met|tem", "tot en met de|komende|volgende|aanstaande", "t m", "tm", "t m de|komende", "tot het einde|eind van", "tot eind|einde",
	"ate", "ate o|a|ao|dia|proxima|proximo|esta|final|fim|a proxima|o dia", "ate ao|o|a|a proxima|proximo dia|final|fim|proxima|proximo", "ate a|ao|o dia", "ate dia", 0,
};
const char *const cue_from[] = {
	"from|since|starting|beginning|commencing|effective|after|leaving", "from|starting|beginning|after the|on", "as of|from", "as of|from the", "between", "between the",
	"ab|vom|von|seit|nach|zwischen|beginnend", "ab|von|seit|nach|zwischen dem|den|kommenden|nachsten", "ab|von dem",
	"du|des|depuis|apres|entre", "a partir du|de|d", "depuis|apres|entre|des le", "a compter du|de",
	"desde|del|tras|entre", "a partir del|de", "desde|entre|tras|a el|partir", "a partir del dia", "del dia", "desde el dia",
	"dal|dall|dalla|tra|dopo|da", "a partire|decorrere|partir dal|da|dall", "dopo|tra il", "dal giorno",
	"vanaf|van|sinds|na|tussen|per|m i v", "vanaf|van|na|sinds de|maandag", "met ingang van", "ingaande",
	"desde|do|de|apos|entre|da", "a partir de|do|da", "a partir do|de dia", "desde|apos|entre o|a", "de|do dia", "a partir de", 0,
};
const char *const cue_inclusive[] = {
	"inclusive|inclusively|included|incl|inkl|inklusive|einschliesslich|inclus|incluse|compris|incluido|incluso|incluida|compreso|compresa|inclusief", "y|e|both compris|incluido|inclusive", 0,
};
const char *const cue_back[] = {
	"back", "return|returns|returning|returned", "again", "resume|resuming|resumes", "rejoin", "reachable from", "available from|as|starting|on|after", "in the office from|on|as|again", "in office from|again", "reopen~", "will respond|reply|answer|read * on|from|after|starting",
	"zuruck|zurueck|zuruckkehr~", "wieder", "ruckkehr|rueckkehr|wiederkehr", "erreichbar ab", "ab * erreichbar|verfugbar",
	"retour", "reviens|reviendrai|revient|reviendrons", "rentre|rentrerai|rentrons", "nouveau", "reprendrai|reprends|reprise|reprendrons", "retournerai|serai la|joignable a|disponible a",
	"vuelta|vuelvo|volvere|volveremos|vuelve|vuelva", "regreso|regresare|regresa|regresaremos|regrese", "reincorpor~", "nuevo", "retorno|retomare", "disponible a partir", "estare disponible|operativo",
	"rientro|rientrero|rientrera|rientreremo|rientrare", "torno|tornero|tornera|torneremo|ritorno|ritornero", "nuovamente", "di nuovo", "disponibile da~|dal", "riprendero|riapriremo|riapertura",
	"terug|terugkeer|terugkom", "weer", "opnieuw", "bereikbaar vanaf", "aanwezig vanaf",
	"volta|volto|voltarei|voltaremos|voltar|voltamos", "regresso|regressarei|regressar", "retorno|retornarei|retornar|retornamos|retornaremos", "novamente", "de novo", "disponivel a partir", "estarei disponivel|de", 0,
};
const char *const cue_away[] = {
	"out of|off", "ooo", "away", "leave|vacation|holiday|holidays|pto|sabbatical|vacationing", "absent|absence", "travel~", "unavailable", "closed", "not|no|limited|unable|without available|access|in|check|checking|reading|working|to|reachable|monitoring|be", "off sick|work|today|until|on", "sick", "will be out|off|gone", "i|am|m|is|be out|off", "conference|training|offsite until|through",
	"abwesend|abwesenheit|abwesenheitsnotiz", "urlaub|urlaubs~|betriebsurlaub|betriebsferien", "nicht|nur|kein im|erreichbar|verfugbar|am|in|zugriff|eingeschrankt|unregelmassig|bedingt", "ausser haus", "unterwegs", "geschlossen", "krank|elternzeit|mutterschutz|dienstreise|feiertag", "ferien", "frei",
	"absent|absente|absents|absence", "conge|conges", "vacances", "pas|peu|plus|non disponible|joignable|au|acces|la", "ferme|fermee|fermes|fermeture", "indisponible", "deplacement", "injoignable", "maladie",
	"ausente|ausencia|ausentare", "vacaciones", "fuera de", "no|sin * disponible|acceso|oficina|estare|podre", "cerrado|cerrada|cerrados|cerramos", "de viaje", "baja|permiso|licencia",
	"assente|assenza", "ferie|vacanza|vacanze", "fuori ufficio|sede", "non * disponibile|ufficio|raggiungibile|reperibile|accesso|saro", "chiuso|chiusi|chiusa|chiusura|chiudera", "in viaggio|trasferta", "malattia|maternita|permesso",
	"afwezig|afwezigheid", "vakantie|verlof|vrij", "niet|beperkt|geen bereikbaar|aanwezig|op|in|beschikbaar|werkzaam|toegang", "gesloten", "ziek", "buiten kantoor", "weg",
	"ausente|ausencia", "ferias|licenca|folga|recesso", "fora do|da|de", "nao * disponivel|escritorio|acesso|estarei|poderei", "fechado|fechada|fechados|encerrado|encerrados", "em viagem|viajando", 0,
};
/* Of weekdays: opening hours, not an absence. */
const char *const cue_open[] = {
	"open|hours|weekdays|between|am|pm|hotline|support", "a|p m", "geoffnet|sprechzeiten|offnungszeiten|uhr|werktags|erreichbar", "ouvert|ouverts|heures|horaires", "abierto|abiertos|horario|horarios|horas", "aperto|aperti|orario|orari|ore",
	"geopend|openingstijden|uur|bereikbaar van", "aberto|abertos|horario|horas", 0,
};
const char *const cue_within[] = { "within", "innerhalb|binnen", "sous", "entro", "dans les", "last|past|previous", "letzten|vergangenen", "derniers|dernieres", "ultimos|ultimas|ultimi|ultime", "afgelopen|laatste", "every|each|alle|tous les|cada|ogni|elke", "up to|once|least", 0 };
const char *const cue_ago[] = { "ago", "fa", "geleden", "atras", "old", "notice", "business day", "trial|free", 0 };
/* Before "two weeks". */
const char *const cue_duration[] = {
	"in", "in about|approximately|around|roughly", "for", "for the|at|about|around|approximately|another", "for the|at next|least|following|coming", "over|during the next", "next",
	"in", "in etwa|ca|circa", "fur|fuer", "fur|fuer die|etwa|ca", "fur|fuer die nachsten|kommenden", "in den nachsten|kommenden", "die nachsten", "nachsten",
	"dans|pendant|pour", "dans|pendant|pour environ|les", "pendant|pour les", "pendant les prochains|prochaines", "les prochains|prochaines", "d ici",
	"en|durante|por", "durante|en los|las|unos|unas", "durante|en los|las proximos|proximas", "dentro de", "los|las proximos|proximas",
	"tra|fra|per", "tra|fra circa", "per|nei i|le|prossimi|prossime", "per i|le prossimi|prossime", "nelle|nei prossime|prossimi",
	"over|gedurende|voor", "over|gedurende|de ongeveer|de|komende", "gedurende|voor de komende|volgende", "de komende",
	"em|durante|por", "durante|nos|nas os|as|proximos|proximas", "daqui a", "nos|nas proximos|proximas", "durante os|as proximos|proximas", 0,
};
const char *const range_words[] = { "to|through|thru|until|till|til|and", "bis|und|zum", "bis zum|einschliesslich|inkl|inklusive", "au|et|jusqu", "et le", "jusqu au", "al|y", "hasta|al el", "y el", "fino al", "a|e|al", "e il", "t m", "tot en met", "tot|en", "a|ate|e", "ate ao|o|a", "e o", 0 };
const char *const day_articles[] = { "the|on", "am|den|dem|der", "le|au|ce|du", "el|dia", "al|il|giorno|del|dal", "de|op", "o|dia|no|ao", "on the", "el dia", "no dia", "next|coming|this|following|nachsten|nachster|kommenden|diesen|folgenden|proximo|proxima|prochain|prossimo|volgende|komende|aanstaande", 0 };
const char *const clock_words[] = { "a|p m", "am|pm|uhr|h|hrs|hours|hour|heures|ore|uur|horas|oclock|min|mins|minutes|minuten|percent|eur|euro|usd", 0 };
const char *const ordinals[] = { "st|nd|rd|th|e|er|eme|de|ste|o|a|ero|ten|ter", 0 };
const char *const date_links[] = { "of|de|del|di|d|the", "of the", 0 };
/* clang-format on */
