/* What the features are called: by machines, and in a finding. */
#include <stdio.h>

#include "gate_features.h"

struct named {
	const char *name, *says;
};

static const struct named lex[] = {
	[LEX_SELF_ONE] = { "self_one", "words about the writer" },
	[LEX_SELF_MANY] = { "self_many", "words about the sender" },
	[LEX_YOU] = { "you", "words to the reader" },
	[LEX_THIRD] = { "third", "words about other people" },
	[LEX_THING] = { "thing", "pointing words" },
	[LEX_CONDITION] = { "condition", "conditions (if, when, unless)" },
	[LEX_CAUSE] = { "cause", "reasons (because, so, since)" },
	[LEX_CONTRAST] = { "contrast", "contrasts (but, instead, rather)" },
	[LEX_COMPARE] = { "compare", "limits and comparisons" },
	[LEX_NEGATE] = { "negate", "words on what not to do" },
	[LEX_ORDER] = { "order", "steps in order" },
	[LEX_DUTY] = { "duty", "duties (must, should)" },
	[LEX_EACH] = { "each", "rules for each case" },
	[LEX_MAY] = { "may", "words on what can be" },
	[LEX_QUESTION] = { "question", "question words" },
	[LEX_BE] = { "be", "plain statements" },
	[LEX_TIME] = { "time", "times and durations" },
	[LEX_UNIT] = { "unit", "measures with units" },
	[LEX_MONEY] = { "money", "amounts of money" },
	[LEX_MONTH] = { "month", "dates" },
	[LEX_WEEKDAY] = { "weekday", "weekdays" },
	[LEX_SOON] = { "soon", "soon, today or tomorrow" },
	[LEX_INSTRUCT] = { "instruct", "verbs that tell what to do" },
	[LEX_TECHNIQUE] = { "technique", "words of the matter itself" },
	[LEX_LAW] = { "law", "rules and standards" },
	[LEX_EXPLAIN] = { "explain", "explanations" },
	[LEX_ANSWER] = { "answer", "answers to a question asked" },
	[LEX_RESOURCE] = { "resource", "resources named" },
	[LEX_NO_ASK] = { "no_ask", "a gift without conditions" },
	[LEX_PRAISE] = { "praise", "words of praise" },
	[LEX_ABSTRACT] = { "abstract", "abstract words (solution, vision, success)" },
	[LEX_EMOTION] = { "emotion", "words of feeling" },
	[LEX_HOUSE] = { "house", "the sender's own house, team and customers" },
	[LEX_EVENT] = { "event", "the sender's event" },
	[LEX_ANNOUNCE] = { "announce", "the sender's news" },
	[LEX_TEASE] = { "tease", "things held back" },
	[LEX_BRAG] = { "brag", "results claimed" },
	[LEX_URGENT] = { "urgent", "pressure of time" },
	[LEX_PROMO] = { "promo", "discounts and extras" },
	[LEX_FEATURE] = { "feature", "product features" },
	[LEX_FILLER] = { "filler", "reminders of earlier mail" },
	[LEX_COURTESY] = { "courtesy", "courtesy" },
	[LEX_MEET] = { "meet", "a call or meeting" },
	[LEX_WANT] = { "want", "wishes of the sender" },
	[LEX_WOULD_YOU] = { "would_you", "requests put as questions" },
	[LEX_PLEASE] = { "please", "please" },
	[LEX_REPLY] = { "reply", "a reply wanted" },
	[LEX_TRADE] = { "trade", "orders, contracts and prices" },
	[LEX_FAVOUR] = { "favour", "a favour, review or introduction" },
	[LEX_DECIDE] = { "decide", "a decision or approval" },
	[LEX_FOR_US] = { "for_us", "something for the sender" },
	[LEX_SELL] = { "sell", "what the sender sells" },
	[LEX_WHO] = { "who", "a search for the right person" },
	[LEX_NEXT_STEP] = { "next_step", "next steps" },
	[LEX_SCARCE] = { "scarce", "an offer that ends" },
	[LEX_PLACEMENT] = { "placement", "a place on the reader's pages or in his funds" },
	[LEX_SLOT] = { "slot", "times to meet" },
	[LEX_MANNER] = { "manner", "words on how it is done" },
};

static const struct named kinds[] = {
	[KIND_OF_REQUEST] = { "request", "sentences that ask for something" },
	[KIND_OF_MEETING] = { "meeting", "sentences that ask for a meeting" },
	[KIND_OF_DEAL] = { "deal", "sentences about an order or contract" },
	[KIND_OF_FAVOUR] = { "favour", "sentences that ask a favour" },
	[KIND_OF_REPLY] = { "reply", "sentences that want a reply" },
	[KIND_OF_DEADLINE] = { "deadline", "deadlines set by the sender" },
	[KIND_OF_OFFER] = { "offer", "offers with a price" },
	[KIND_OF_INSTRUCT] = { "instruct", "sentences that say what to do" },
	[KIND_OF_INSTRUCT_FIGURE] = { "instruct_figure", "steps with figures" },
	[KIND_OF_CONDITION] = { "condition", "conditions that decide something" },
	[KIND_OF_THRESHOLD] = { "threshold", "limits in figures" },
	[KIND_OF_CAUSE] = { "cause", "reasons given" },
	[KIND_OF_FACT] = { "fact", "facts with figures" },
	[KIND_OF_MATTER] = { "matter", "sentences about the matter" },
	[KIND_OF_MATTER_FIGURE] = { "matter_figure", "sentences about the matter with figures" },
	[KIND_OF_TECHNIQUE] = { "technique", "sentences in the terms of the matter" },
	[KIND_OF_LAW] = { "law", "rules and standards explained" },
	[KIND_OF_SELF] = { "self", "sentences that begin with the sender" },
	[KIND_OF_SELF_ONLY] = { "self_only", "sentences about the sender alone" },
	[KIND_OF_BRAG] = { "brag", "the sender praising his own" },
	[KIND_OF_PRAISE] = { "praise", "sentences of praise" },
	[KIND_OF_EVENT] = { "event", "sentences about the sender's event" },
	[KIND_OF_TEASE] = { "tease", "sentences that hold back" },
	[KIND_OF_PROMO] = { "promo", "sentences of promotion" },
	[KIND_OF_QUESTION] = { "question", "questions" },
	[KIND_OF_ASKED] = { "asked", "questions to the reader" },
	[KIND_OF_RESOURCE] = { "resource", "sentences that hand over a resource" },
	[KIND_OF_ANSWER] = { "answer", "sentences that answer" },
	[KIND_OF_SHORT] = { "short", "very short sentences" },
	[KIND_OF_ADVICE] = { "advice", "sentences of advice" },
	[KIND_OF_FILLER] = { "filler", "reminders of earlier mail" },
	[KIND_OF_COURTESY] = { "courtesy", "sentences of courtesy" },
	[KIND_OF_PITCH] = { "pitch", "sentences of pitch" },
	[KIND_OF_CODE] = { "code", "code" },
	[KIND_OF_TABLE] = { "table", "a table" },
	[KIND_OF_ITEM] = { "item", "list items" },
	[KIND_OF_HEADING] = { "heading", "headings" },
	[KIND_OF_LINK] = { "link", "links" },
	[KIND_OF_SUBSTANCE] = { "substance", "sentences of substance" },
	[KIND_OF_SCARCE] = { "scarce", "offers that end" },
	[KIND_OF_PLACEMENT] = { "placement", "sentences about a place on the reader's pages" },
	[KIND_OF_SLOT] = { "slot", "times to meet proposed" },
	[KIND_OF_MANNER] = { "manner", "sentences on how it is done" },
	[KIND_OF_CLAIM] = { "claim", "results claimed in figures" },
	[KIND_OF_WE_WILL] = { "we_will", "sentences about the sender's product or house" },
};

static const struct named wholes[] = {
	[WHOLE_WORDS] = { "words", "its length" },
	[WHOLE_SENTENCE_LENGTH] = { "sentence_length", "the length of its sentences" },
	[WHOLE_WORD_LENGTH] = { "word_length", "the length of its words" },
	[WHOLE_LONG_WORDS] = { "long_words", "long words" },
	[WHOLE_NAMES] = { "names", "names" },
	[WHOLE_FIGURES] = { "figures", "figures" },
	[WHOLE_FIGURE_SHARE] = { "figure_share", "the share of figures" },
	[WHOLE_DECIMALS] = { "decimals", "exact figures and codes" },
	[WHOLE_PERCENT] = { "percent", "percentages" },
	[WHOLE_MONEY_SIGNS] = { "money_signs", "amounts of money" },
	[WHOLE_SIGNS] = { "signs", "formulas and signs" },
	[WHOLE_EXCLAMATIONS] = { "exclamations", "exclamation marks" },
	[WHOLE_OWN_WORDS] = { "own_words", "words of its own" },
	[WHOLE_DISTINCT] = { "distinct", "varied words" },
	[WHOLE_PLACEHOLDERS] = { "placeholders", "placeholders" },
	[WHOLE_BRACKETS] = { "brackets", "brackets to fill in" },
	[WHOLE_IMAGES] = { "images", "images" },
	[WHOLE_REQUEST_FIRST] = { "request_first", "where the first request stands" },
	[WHOLE_REQUEST_LAST] = { "request_last", "where the last request stands" },
	[WHOLE_BEHIND_REQUEST] = { "behind_request", "what stands behind the first request" },
	[WHOLE_BEFORE_REQUEST] = { "before_request", "what is given before the first request" },
	[WHOLE_REQUEST_WAYS] = { "request_ways", "ways of asking" },
	[WHOLE_RUN] = { "run", "a run of sentences of substance" },
	[WHOLE_YOU_WE] = { "you_we", "you against we" },
	[WHOLE_SUBSTANCE_WORDS] = { "substance_words", "the share of substance" },
	[WHOLE_RULE_SUBSTANCE] = { "rule_substance", "useful words" },
	[WHOLE_UNITS] = { "units", "figures with units" },
	[WHOLE_COMMAS] = { "commas", "its clauses" },
	[WHOLE_LOWER_START] = { "lower_start", "its beginnings in lower case" },
	[WHOLE_QUOTES] = { "quotes", "quotations" },
};

_Static_assert(sizeof lex / sizeof lex[0] == LEX_COUNT, "a class of words without a name");
_Static_assert(sizeof kinds / sizeof kinds[0] == KIND_OF_COUNT, "a kind of sentences without a name");
_Static_assert(sizeof wholes / sizeof wholes[0] == WHOLE_COUNT, "a feature of the letter without a name");

#define KINDS_AT (LEX_COUNT * 3)
#define WHOLE_AT (KINDS_AT + KIND_OF_COUNT * 2)

void gate_feature_name(int i, char name[GATE_FEATURE_NAME])
{
	static const char *const of[] = { "share", "number", "end" };
	*name = '\0';
	if (i < 0 || i >= GATE_FEATURE_N)
		return;
	if (i < KINDS_AT)
		snprintf(name, GATE_FEATURE_NAME, "words:%s:%s", lex[i / 3].name, of[i % 3]);
	else if (i < WHOLE_AT)
		snprintf(name, GATE_FEATURE_NAME, "sentences:%s:%s", kinds[(i - KINDS_AT) / 2].name,
			 of[(i - KINDS_AT) % 2]);
	else
		snprintf(name, GATE_FEATURE_NAME, "letter:%s", wholes[i - WHOLE_AT].name);
}

const char *gate_feature_says(int i)
{
	if (i < 0 || i >= GATE_FEATURE_N)
		return "";
	if (i < KINDS_AT)
		return lex[i / 3].says;
	return i < WHOLE_AT ? kinds[(i - KINDS_AT) / 2].says : wholes[i - WHOLE_AT].says;
}

bool gate_feature_is_whole(int i)
{
	return i >= WHOLE_AT;
}
