/* What mail programs print around an answer, in the languages they are used in: data only, folded (fold_text). English,
 * German, French, Spanish, Italian, Dutch and Portuguese throughout; the words of a few more languages where they are
 * known. */
#include "reply_int.h"

#define FROM    LABEL_FROM
#define DATE    LABEL_DATE
#define TO      LABEL_TO
#define SUBJECT LABEL_SUBJECT
#define OTHER   LABEL_OTHER

/* clang-format off */
const struct label_word reply_labels[] = {
	{ "from", FROM }, { "von", FROM }, { "de", FROM }, { "da", FROM }, { "van", FROM }, { "fra", FROM }, { "fran", FROM },
	{ "od", FROM }, { "nadawca", FROM }, { "lahettaja", FROM }, { "expediteur", FROM }, { "remitente", FROM },
	{ "mittente", FROM }, { "remetente", FROM }, { "afzender", FROM }, { "absender", FROM }, { "от", FROM }, { "От", FROM },
	{ "från", FROM }, { "sender", FROM }, { "message de", FROM }, { "kimden", FROM }, { "gonderen", FROM }, { "felado", FROM },
	{ "发件人", FROM }, { "差出人", FROM }, { "寄件者", FROM }, { "보낸 사람", FROM },

	{ "sent", DATE }, { "date", DATE }, { "sent at", DATE }, { "sent on", DATE }, { "date sent", DATE }, { "gesendet", DATE },
	{ "gesendet am", DATE }, { "datum", DATE }, { "envoye", DATE }, { "envoye le", DATE }, { "message du", DATE },
	{ "date d'envoi", DATE }, { "enviado", DATE }, { "enviado el", DATE }, { "enviado em", DATE }, { "enviada em", DATE },
	{ "enviada", DATE }, { "fecha", DATE }, { "fecha de envio", DATE }, { "data", DATE }, { "data de envio", DATE }, { "inviato", DATE },
	{ "inviato il", DATE }, { "data invio", DATE }, { "verzonden", DATE }, { "verzonden op", DATE }, { "verstuurd", DATE },
	{ "sendt", DATE }, { "dato", DATE }, { "skickat", DATE }, { "wyslano", DATE }, { "wyslane", DATE }, { "lahetetty", DATE },
	{ "odeslano", DATE }, { "Отправлено", DATE }, { "Дата", DATE }, { "gonderildi", DATE }, { "tarih", DATE }, { "发送时间", DATE },
	{ "日期", DATE }, { "送信日時", DATE },

	{ "to", TO }, { "an", TO }, { "a", TO }, { "para", TO }, { "aan", TO }, { "til", TO }, { "till", TO }, { "do", TO },
	{ "vastaanottaja", TO }, { "komu", TO }, { "destinataire", TO }, { "destinataires", TO }, { "destinatario", TO },
	{ "empfanger", TO }, { "ontvanger", TO }, { "destinatari", TO }, { "Кому", TO }, { "kime", TO }, { "收件人", TO }, { "宛先", TO },

	{ "subject", SUBJECT }, { "betreff", SUBJECT }, { "objet", SUBJECT }, { "sujet", SUBJECT }, { "asunto", SUBJECT },
	{ "oggetto", SUBJECT }, { "onderwerp", SUBJECT }, { "assunto", SUBJECT }, { "emne", SUBJECT }, { "amne", SUBJECT },
	{ "temat", SUBJECT }, { "aihe", SUBJECT }, { "predmet", SUBJECT }, { "Тема", SUBJECT }, { "konu", SUBJECT }, { "targy", SUBJECT },
	{ "主题", SUBJECT }, { "件名", SUBJECT },

	{ "cc", OTHER }, { "bcc", OTHER }, { "reply-to", OTHER }, { "reply to", OTHER }, { "importance", OTHER }, { "attachments", OTHER },
	{ "priority", OTHER }, { "copie a", OTHER }, { "copie", OTHER }, { "kopie", OTHER }, { "kopie an", OTHER }, { "antwort an", OTHER },
	{ "repondre a", OTHER }, { "responder a", OTHER }, { "responder para", OTHER }, { "rispondi a", OTHER }, { "antwoord aan", OTHER },
	{ "wichtigkeit", OTHER }, { "prioritat", OTHER }, { "anlagen", OTHER }, { "pieces jointes", OTHER }, { "cci", OTHER },
	{ "copia", OTHER }, { "com copia", OTHER }, { "adjuntos", OTHER }, { "datos adjuntos", OTHER }, { "allegati", OTHER },
	{ "bijlagen", OTHER }, { "anexos", OTHER }, { "importancia", OTHER }, { "importanza", OTHER }, { "urgentie", OTHER },
	{ "prioridade", OTHER }, { "kopia", OTHER }, { "kopi", OTHER }, { "dw", OTHER }, { "message-id", OTHER }, { "newsgroups", OTHER },
	{ NULL, LABEL_NONE },
};

const char *const reply_originals[] = {
	"original message", "original email", "original e-mail", "original appointment", "reply message", "previous message",
	"begin message", "begin reply message", "message below", "reply above this line",
	"ursprungliche nachricht", "urspruengliche nachricht", "originalnachricht", "original-nachricht", "original nachricht",
	"antwort nachricht", "ursprungliche mail", "ursprunglicher termin", "original-mail", "originalmail",
	"message d'origine", "message original", "message initial", "message d'origine:", "courriel original", "rendez-vous d'origine",
	"message precedent", "mail original", "reponse au message",
	"mensaje original", "correo original", "cita original", "mensaje anterior",
	"messaggio originale", "messaggio originario", "messaggio precedente", "appuntamento originale",
	"oorspronkelijk bericht", "oorspronkelijke bericht", "origineel bericht", "oorspronkelijke afspraak",
	"mensagem original", "mensagem anterior", "compromisso original",
	"oprindelig meddelelse", "oprindelig besked", "original meddelelse", "svar meddelelse", "opprinnelig melding", "originalmelding",
	"ursprungligt meddelande", "originalmeddelande", "alkuperainen viesti", "oryginalna wiadomosc", "wiadomosc oryginalna",
	"puvodni zprava", "Исходное сообщение", "eredeti uzenet", "orijinal ileti", "mesaj original", "原始邮件", NULL,
};

const char *const reply_forwards[] = {
	"forwarded message", "begin forwarded message", "forwarded by", "forwarded email", "forwarded mail", "forward message",
	"weitergeleitete nachricht", "anfang der weitergeleiteten nachricht", "weitergeleitet von", "weitergeleitete e-mail",
	"message transfere", "debut du message transfere", "debut du message reexpedie", "message reexpedie", "message transmis",
	"courriel transfere", "transfere par",
	"mensaje reenviado", "inicio del mensaje reenviado", "inicio de mensaje reenviado", "forwarded conversation",
	"messaggio inoltrato", "inizio messaggio inoltrato", "inizio del messaggio inoltrato",
	"doorgestuurd bericht", "begin doorgestuurd bericht", "doorgezonden bericht", "doorgestuurd door",
	"mensagem encaminhada", "inicio da mensagem encaminhada", "inicio da mensagem reenviada", "mensagem reencaminhada",
	"videresendt meddelelse", "videresendt melding", "vidarebefordrat meddelande", "valitetty viesti",
	"przekazana wiadomosc", "wiadomosc przekazana", "Пересылаемое сообщение", "Перенаправленное сообщение", NULL,
};

/* With a space at the end: a word, not the beginning of one. */
const char *const reply_starters[] = {
	"on ", "am ", "le ", "el ", "il ", "op ", "em ", "no dia ", "a ", "den ", "pa ", "w dniu ", "dnia ", "vao ", "in data ", "dne ",
	"ha scritto il ", "en date du ", "vom ", "date: ", "at ", "quoting ", "zitat von ", "citando ", "selon ", "en fecha ", "na data ",
	"in a message dated ", "in einer nachricht vom ", "dans un message du ", "il giorno ", "in het bericht van ", "pada ", "tarihinde ",
	NULL,
};

const char *const reply_verbs_last[] = {
	"wrote", "writes", "sent", "said", "has written", "wrote the following", "wrote on that day", "replied",
	"schrieb", "geschrieben", "schrieb folgendes", "schreibt", "hat geschrieben", "geschrieben hat",
	"a ecrit", "ecrit", "ecrivait", "ecrivit", "a envoye", "ecrivez",
	"escribio", "ha escrito", "escribia", "escribio lo siguiente", "envio", "va escriure",
	"ha scritto", "scrisse", "scrive", "ha inviato",
	"schreef", "geschreven", "schreef het volgende", "schrijft", "geschreven heeft",
	"escreveu", "escrevia", "enviou",
	"skrev", "skreiv", "kirjoitti", "napisal", "napisal(a)", "napisala", "napsal", "napsal(a)", "пишет", "писал", "написал", "написал(а)", "написала",
	"Написал", "đa viết", "da viết", "yazdi", "sunlari yazdi", "irta", "a scris", "menulis", "写道", "寫道", "εγραψε", "έγραψε", "пише", "написав", "va escriure", "scriu", "ezt irta", "sunu yazdi", "のメッセージ", NULL,
};

const char *const reply_verbs_middle[] = {
	"schrieb", "schreibt", "schreef", "escribio", "ecrivait", "a ecrit", "escreveu", "ha scritto", "skrev", "wrote", "kirjoitti", "napisal", NULL,
};

const char *const reply_days[] = {
	"mon", "tue", "wed", "thu", "fri", "sat", "sun", "mo", "di", "mi", "do", "fr", "sa", "so", "lun", "mar", "mer", "jeu", "ven", "sam",
	"dim", "lu", "ma", "me", "je", "ve", "mie", "jue", "vie", "sab", "dom", "gio", "mercoledi", "lunedi", "martedi", "giovedi", "venerdi",
	"sabato", "domenica", "woe", "don", "vrij", "vr", "za", "zo", "din", "seg", "ter", "qua", "qui", "sex", "tir", "ons", "tor", "lor",
	"man", "tis", "fre", "ti", "ke", "to", "pe", "la", "su", "maa", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
	"sunday", "montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonnabend", "sonntag", "lundi", "mardi", "mercredi",
	"jeudi", "vendredi", "samedi", "dimanche", "lunes", "martes", "miercoles", "jueves", "viernes", "sabado", "domingo", "maandag",
	"dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag", "segunda", "terca", "quarta", "quinta", "sexta", "mandag",
	"tirsdag", "onsdag", "torsdag", "fredag", "lordag", "пн", "вт", "ср", "чт", "пт", "сб", "вс", NULL,
};

const char *const reply_mobile[] = {
	"sent from my ", "sent from iphone", "sent from ipad", "sent from a mobile", "sent from outlook", "sent from mail for",
	"sent from yahoo", "sent from proton", "sent from samsung", "sent from typeapp", "sent from acompli", "sent from blue",
	"sent from mobile", "sent from gmail", "sent from the ", "sent from fastmail", "sent from spark", "sent from nine", "sent from aqua",
	"sent from aol", "sent from windows", "sent from surface", "sent from android", "sent from mailspring", "sent from hey", "sent from tutanota",
	"sent from superhuman", "sent from front", "sent from edison", "sent from boxer", "sent from workspace", "sent from k-9", "sent from zoho",
	"sent via ", "sent with ", "sent using ", "sent by my ", "sent on the go", "via mobile", "get outlook for", "get bluemail for",
	"envoye avec", "delivered by my ",
	"von meinem iphone", "von meinem ipad", "von meinem mobil", "von meinem android", "von meinem samsung", "von meinem handy",
	"von meinem smartphone", "von meinem huawei", "von meinem xiaomi", "von meinem tablet", "von unterwegs gesendet", "gesendet von ",
	"gesendet mit ", "gesendet via ", "gesendet uber ", "diese nachricht wurde von meinem", "diese e-mail wurde von meinem mobil", "mobil gesendet",
	"holen sie sich outlook", "outlook fur ios", "outlook fur android",
	"envoye de mon", "envoye depuis", "envoye a partir", "envoye via", "envoye d'", "envoye du ", "telecharger outlook", "obtenez outlook",
	"provenance : courrier", "provenance: courrier",
	"enviado desde", "enviado de ", "enviado do ", "enviado a partir", "enviado por ", "enviado con ", "enviado pelo", "enviado com ",
	"enviado via", "enviado mediante", "obtener outlook", "obter o outlook", "obtenha o outlook", "mensagem enviada do meu",
	"inviato da", "inviato dal", "inviato con", "inviato tramite", "inviata da", "ottieni outlook", "scarica outlook",
	"verzonden vanaf", "verstuurd vanaf", "verzonden via", "verstuurd via", "verzonden met", "verstuurd met", "verzonden vanuit",
	"verzonden van ", "verstuurd van ", "outlook voor", "download outlook", "outlook downloaden",
	"sendt fra min", "sendt fra ", "skickat fran min", "skickat fran ", "lahetetty ", "wyslane z ", "wyslano z ", "odeslano z",
	"Отправлено с ", "отправлено с ", "Отправлено из ", NULL,
};

const char *const reply_footers[] = {
	"confidentiality notice", "confidentiality:", "confidentiality note", "confidentiality statement", "disclaimer", "legal notice", "privileged and confidential",
	"this e-mail and any", "this email and any", "this e-mail is confidential", "this email is confidential", "this e-mail message",
	"this email message is", "this message and any", "this message contains confidential", "this message is intended", "this message is for the",
	"this email is intended", "this e-mail is intended", "this email may contain", "this e-mail may contain", "this message may contain",
	"this communication is", "this communication may", "this transmission", "this electronic", "the information contained in this",
	"the information in this e", "the information transmitted", "the contents of this e", "the content of this e", "if you are not the intended",
	"if you have received this e", "if you have received this message in error", "notice: this e", "notice: this message", "important notice:",
	"please consider the environment", "please think of the environment", "think before you print", "before printing", "p please consider", "save a tree",
	"virus-free", "this email has been checked for virus", "this e-mail has been checked for virus", "this message has been scanned", "this email has been scanned",
	"scanned by", "avast logo", "registered office", "you received this message because you are subscribed", "you are receiving this because",
	"to unsubscribe from this group", "reply to this email directly", "reply to this email to", "to unsubscribe from this list",
	"this email was sent to", "unsubscribe from this list", "powered by ",
	"diese e-mail enthalt", "diese email enthalt", "diese e-mail kann", "diese nachricht enthalt", "diese nachricht ist", "diese nachricht kann", "diese e-mail ist",
	"diese mail enthalt", "diese e-mail und", "der inhalt dieser e", "die information in dieser", "die in dieser e", "haftungsausschluss", "vertraulichkeitshinweis",
	"wenn sie nicht der", "sollten sie nicht der", "falls sie nicht der", "bitte denken sie an die umwelt", "bitte denken sie an unsere umwelt", "denken sie an die umwelt",
	"bitte prufen sie, ob", "virenfrei", "diese e-mail wurde auf viren", "diese e-mail wurde von avast", "pflichtangaben", "hinweis zum datenschutz", "datenschutzhinweis",
	"ce message et", "ce message est", "ce courriel et", "ce courriel est", "ce courrier electronique", "ce mail et", "ce message electronique", "ce message peut",
	"cet e-mail", "cet email", "les informations contenues dans", "le contenu de ce", "avis de confidentialite", "confidentialite :", "confidentialite:", "si vous n'etes pas le destinataire",
	"pensez a l'environnement", "avant d'imprimer", "n'imprimez", "merci de penser a l'environnement", "garanti sans virus", "l'absence de virus",
	"este mensaje y", "este mensaje se dirige", "este mensaje puede", "este mensaje va dirigido", "este mensaje es", "este correo y", "este correo electronico", "este e-mail", "este email",
	"aviso legal", "aviso de confidencialidad", "la informacion contenida en este", "el contenido de este", "antes de imprimir", "si usted no es el destinatario", "libre de virus",
	"questo messaggio e", "questo messaggio puo", "questo messaggio contiene", "questa e-mail", "questa email", "le informazioni contenute in", "il contenuto di questa", "avviso di riservatezza", "nota di riservatezza",
	"ai sensi del", "prima di stampare", "il presente messaggio", "la presente e-mail", "la presente email", "la presente comunicazione", "privo di virus", "rispetta l'ambiente",
	"dit bericht is", "dit bericht kan", "dit bericht en", "dit e-mailbericht", "deze e-mail", "deze email", "de informatie in dit", "de informatie in deze", "de inhoud van dit", "de inhoud van deze", "de informatie verzonden",
	"denk aan het milieu", "denk a.u.b. aan het milieu", "virusvrij", "aan dit bericht kunnen", "indien u niet de geadresseerde",
	"esta mensagem e", "esta mensagem pode", "esta mensagem contem", "esta mensagem, ", "este e-mail e", "as informacoes contidas", "a informacao contida", "o conteudo deste", "o conteudo desta", "aviso de confidencialidade", "aviso legal",
	"pense no ambiente", "pense no meio ambiente", "antes de imprimir", "se voce nao e o destinatario", "livre de virus", NULL,
};

/* Whole lines, without the comma; a name may follow on the same line after "," only. */
const char *const reply_closings[] = {
	"best", "best regards", "kind regards", "kindest regards", "warm regards", "warmest regards", "regards", "many thanks", "thanks",
	"thank you", "thanks a lot", "thanks again", "thanks and regards", "thanks & regards", "thank you and best regards", "best wishes", "all the best", "cheers", "sincerely",
	"sincerely yours", "yours sincerely", "yours faithfully", "yours truly", "yours", "with best regards", "with kind regards", "with regards",
	"best regards from", "br", "rgds", "kr", "thx", "ta", "respectfully", "cordially", "take care", "thank you very much", "thanks in advance",
	"mit freundlichen grussen", "mit freundlichem gruss", "freundliche grusse", "freundlicher gruss", "viele grusse", "beste grusse", "liebe grusse", "herzliche grusse",
	"schone grusse", "gruss", "grusse", "mfg", "vg", "lg", "bg", "besten dank", "vielen dank", "danke", "hochachtungsvoll", "mit besten grussen", "mit besten gruessen",
	"mit freundlichen gruessen", "freundliche gruesse", "viele gruesse", "beste gruesse", "liebe gruesse", "mit herzlichen grussen", "vielen dank und freundliche grusse",
	"cordialement", "bien cordialement", "tres cordialement", "bien a vous", "sinceres salutations", "salutations", "meilleures salutations", "merci", "merci d'avance", "bonne journee",
	"cdlt", "cdt", "respectueusement", "amicalement", "bien sincerement", "salutations distinguees", "merci beaucoup",
	"saludos", "saludos cordiales", "un saludo", "un cordial saludo", "cordialmente", "atentamente", "atte", "gracias", "muchas gracias", "un abrazo", "saludos y gracias", "reciba un cordial saludo",
	"cordiali saluti", "distinti saluti", "saluti", "un saluto", "cordialmente", "grazie", "grazie mille", "a presto", "un caro saluto", "buona giornata", "grazie e saluti",
	"met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groet", "vriendelijke groeten", "groet", "groeten", "groetjes", "mvg", "hartelijke groet", "met hartelijke groet", "bedankt", "dank u", "alvast bedankt", "met groet",
	"atenciosamente", "att", "cumprimentos", "com os melhores cumprimentos", "melhores cumprimentos", "abraco", "abracos", "obrigado", "obrigada", "muito obrigado", "muito obrigada", "grato", "grata", "saudacoes", "cordialmente", "um abraco",
	NULL,
};
/* clang-format on */
