/* HTML as mail programs write it: data only. A mark belongs here when a program sets it by itself around what its user
 * did not write; what users set too (a plain div, a table) does not. */
#include <stddef.h>

#include "reply_html_int.h"

/* clang-format off */
const struct element html_elements[] = {
	{ "a", EL_INLINE }, { "address", EL_BLOCK }, { "article", EL_BLOCK }, { "aside", EL_BLOCK },
	{ "blockquote", EL_QUOTE }, { "body", EL_BLOCK }, { "br", EL_BREAK }, { "caption", EL_BLOCK },
	{ "center", EL_BLOCK }, { "dd", EL_BLOCK }, { "details", EL_BLOCK }, { "div", EL_BLOCK }, { "dl", EL_BLOCK },
	{ "dt", EL_BLOCK }, { "fieldset", EL_BLOCK }, { "figure", EL_BLOCK }, { "font", EL_INLINE },
	{ "footer", EL_BLOCK }, { "form", EL_BLOCK }, { "h1", EL_SPACED }, { "h2", EL_SPACED }, { "h3", EL_SPACED },
	{ "h4", EL_SPACED }, { "h5", EL_SPACED }, { "h6", EL_SPACED }, { "header", EL_BLOCK }, { "hr", EL_RULE },
	{ "html", EL_BLOCK }, { "img", EL_IMAGE }, { "li", EL_ITEM }, { "main", EL_BLOCK }, { "noscript", EL_RAW },
	{ "object", EL_RAW }, { "ol", EL_BLOCK }, { "p", EL_SPACED }, { "pre", EL_PRE }, { "script", EL_RAW },
	{ "section", EL_BLOCK }, { "select", EL_RAW }, { "signature", EL_INLINE }, { "span", EL_INLINE },
	{ "style", EL_RAW }, { "svg", EL_RAW }, { "table", EL_BLOCK }, { "tbody", EL_BLOCK }, { "td", EL_CELL },
	{ "template", EL_RAW }, { "textarea", EL_RAW }, { "th", EL_CELL }, { "thead", EL_BLOCK }, { "title", EL_RAW },
	{ "tr", EL_BLOCK }, { "ul", EL_BLOCK }, { "xml", EL_RAW },
};
const int html_element_n = sizeof html_elements / sizeof *html_elements;

const struct html_mark html_marks[] = {
	/* Outlook on the web, desktop, mobile; Hotmail */
	{ "id", "divrplyfwdmsg", MARK_IS_CUT },
	{ "id", "olk_src_body_section", MARK_IS_CUT },
	{ "id", "mail-editor-reference-message-container", MARK_IS_CUT },
	{ "id", "stopspelling", MARK_IS_CUT },
	{ "class", "outlookmessageheader", MARK_IS_CUT },
	{ "style", "border:none;border-top:solid#e1e1e11.0pt", MARK_IS_CUT },
	{ "style", "border:none;border-top:solid#b5c4df1.0pt", MARK_IS_CUT },
	{ "style", "border-right:medium;padding-right:0in;border-top:#b5c4df1ptsolid", MARK_IS_CUT },
	{ "id", "ms-outlook-mobile-signature", MARK_IS_SIGNATURE },
	{ "id", "=signature", MARK_IS_SIGNATURE },
	{ "id", "=x_signature", MARK_IS_SIGNATURE },
	/* Gmail: its quote's container may hold the answer too, so only the attribution and the blockquote count */
	{ "class", "gmail_attr", MARK_IS_QUOTE },
	{ "class", "gmail_signature", MARK_IS_SIGNATURE },
	/* Apple Mail, Thunderbird, Yahoo, Proton, Zimbra, Zoho, Front and others */
	{ "id", "applemailsignature", MARK_IS_SIGNATURE },
	{ "id", "linebreakatbeginningofsignature", MARK_IS_SIGNATURE },
	{ "class", "moz-cite-prefix", MARK_IS_QUOTE },
	{ "class", "moz-email-headers-table", MARK_IS_QUOTE },
	{ "class", "moz-forward-container", MARK_IS_CUT },
	{ "class", "moz-signature", MARK_IS_SIGNATURE },
	{ "class", "yahoo_quoted", MARK_IS_QUOTE },
	{ "id", "yahoo_quoted", MARK_IS_QUOTE },
	{ "class", "yahoo-signature", MARK_IS_SIGNATURE },
	{ "class", "protonmail_quote", MARK_IS_QUOTE },
	{ "class", "protonmail_signature_block", MARK_IS_SIGNATURE },
	{ "id", "zwchr", MARK_IS_CUT },
	{ "data-marker", "__divider__", MARK_IS_CUT },
	{ "data-marker", "__quoted_text__", MARK_IS_QUOTE },
	{ "data-marker", "__headers__", MARK_IS_QUOTE },
	{ "data-marker", "__sig_", MARK_IS_SIGNATURE },
	{ "class", "zmail_extra", MARK_IS_QUOTE },
	{ "class", "tutanota_quote", MARK_IS_QUOTE },
	{ "class", "front-blockquote", MARK_IS_QUOTE },
	{ "class", "moz-txt-sig", MARK_IS_SIGNATURE },
	{ "id", "aolmsgpart", MARK_IS_QUOTE },
	{ "id", "reply-intro", MARK_IS_QUOTE },
	{ "id", "isforwardcontent", MARK_IS_QUOTE },
	{ "id", "isreplycontent", MARK_IS_QUOTE },
	{ "name", "messagereplysection", MARK_IS_QUOTE },
	{ "name", "messagesignaturesection", MARK_IS_SIGNATURE },
	/* blockquotes: which is a quote? Without such a sign it is indentation */
	{ "type", "cite", MARK_IS_QUOTE },
	{ "cite", "mid:", MARK_IS_QUOTE },
	{ "class", "gmail_quote", MARK_IS_CITED },
	{ "class", "quote", MARK_IS_CITED },
	{ "class", "cite", MARK_IS_CITED },
	{ "id", "quote", MARK_IS_CITED },
	{ "style", "border-left:", MARK_IS_CITED },
	{ "style", "border-left-", MARK_IS_CITED },
	{ "style", "40px;border:none", MARK_IS_OWN }, /* Gmail's button "indent more" */
	/* what a reader does not see */
	{ "style", "display:none", MARK_IS_HIDDEN },
	{ "style", "mso-hide:all", MARK_IS_HIDDEN },
	{ "style", "visibility:hidden", MARK_IS_HIDDEN },
	{ NULL, NULL, MARK_IS_CUT },
};

const struct html_entity html_entities[] = {
	{ "AElig", 0xc6 }, { "Aacute", 0xc1 }, { "Acirc", 0xc2 }, { "Agrave", 0xc0 }, { "Aring", 0xc5 },
	{ "Atilde", 0xc3 }, { "Auml", 0xc4 }, { "Ccedil", 0xc7 }, { "Dagger", 0x2021 }, { "ETH", 0xd0 },
	{ "Eacute", 0xc9 }, { "Ecirc", 0xca }, { "Egrave", 0xc8 }, { "Euml", 0xcb }, { "Iacute", 0xcd },
	{ "Icirc", 0xce }, { "Igrave", 0xcc }, { "Iuml", 0xcf }, { "Ntilde", 0xd1 }, { "OElig", 0x152 },
	{ "Oacute", 0xd3 }, { "Ocirc", 0xd4 }, { "Ograve", 0xd2 }, { "Oslash", 0xd8 }, { "Otilde", 0xd5 },
	{ "Ouml", 0xd6 }, { "Prime", 0x2033 }, { "Scaron", 0x160 }, { "THORN", 0xde }, { "Uacute", 0xda },
	{ "Ucirc", 0xdb }, { "Ugrave", 0xd9 }, { "Uuml", 0xdc }, { "Yacute", 0xdd }, { "Yuml", 0x178 },
	{ "aacute", 0xe1 }, { "acirc", 0xe2 }, { "acute", 0xb4 }, { "aelig", 0xe6 }, { "agrave", 0xe0 },
	{ "amp", 0x26 }, { "apos", 0x27 }, { "aring", 0xe5 }, { "asymp", 0x2248 }, { "atilde", 0xe3 },
	{ "auml", 0xe4 }, { "bdquo", 0x201e }, { "brvbar", 0xa6 }, { "bull", 0x2022 }, { "ccedil", 0xe7 },
	{ "cedil", 0xb8 }, { "cent", 0xa2 }, { "copy", 0xa9 }, { "curren", 0xa4 }, { "dagger", 0x2020 },
	{ "darr", 0x2193 }, { "deg", 0xb0 }, { "divide", 0xf7 }, { "eacute", 0xe9 }, { "ecirc", 0xea },
	{ "egrave", 0xe8 }, { "emsp", 0x2003 }, { "ensp", 0x2002 }, { "eth", 0xf0 }, { "euml", 0xeb },
	{ "euro", 0x20ac }, { "frac12", 0xbd }, { "frac14", 0xbc }, { "frac34", 0xbe }, { "frasl", 0x2044 },
	{ "ge", 0x2265 }, { "gt", 0x3e }, { "harr", 0x2194 }, { "hearts", 0x2665 }, { "hellip", 0x2026 },
	{ "iacute", 0xed }, { "icirc", 0xee }, { "iexcl", 0xa1 }, { "igrave", 0xec }, { "image", 0x2111 },
	{ "infin", 0x221e }, { "iquest", 0xbf }, { "iuml", 0xef }, { "lArr", 0x21d0 }, { "laquo", 0xab },
	{ "larr", 0x2190 }, { "ldquo", 0x201c }, { "le", 0x2264 }, { "lrm", 0x200e }, { "lsaquo", 0x2039 },
	{ "lsquo", 0x2018 }, { "lt", 0x3c }, { "macr", 0xaf }, { "mdash", 0x2014 }, { "micro", 0xb5 },
	{ "middot", 0xb7 }, { "minus", 0x2212 }, { "nbsp", 0xa0 }, { "ndash", 0x2013 }, { "ne", 0x2260 },
	{ "not", 0xac }, { "ntilde", 0xf1 }, { "oacute", 0xf3 }, { "ocirc", 0xf4 }, { "oelig", 0x153 },
	{ "ograve", 0xf2 }, { "oline", 0x203e }, { "ordf", 0xaa }, { "ordm", 0xba }, { "oslash", 0xf8 },
	{ "otilde", 0xf5 }, { "ouml", 0xf6 }, { "para", 0xb6 }, { "permil", 0x2030 }, { "plusmn", 0xb1 },
	{ "pound", 0xa3 }, { "prime", 0x2032 }, { "quot", 0x22 }, { "rArr", 0x21d2 }, { "radic", 0x221a },
	{ "raquo", 0xbb }, { "rarr", 0x2192 }, { "rdquo", 0x201d }, { "real", 0x211c }, { "reg", 0xae },
	{ "rlm", 0x200f }, { "rsaquo", 0x203a }, { "rsquo", 0x2019 }, { "sbquo", 0x201a }, { "scaron", 0x161 },
	{ "sect", 0xa7 }, { "shy", 0xad }, { "spades", 0x2660 }, { "sum", 0x2211 }, { "sup1", 0xb9 },
	{ "sup2", 0xb2 }, { "sup3", 0xb3 }, { "szlig", 0xdf }, { "thinsp", 0x2009 }, { "thorn", 0xfe },
	{ "times", 0xd7 }, { "trade", 0x2122 }, { "uacute", 0xfa }, { "uarr", 0x2191 }, { "ucirc", 0xfb },
	{ "ugrave", 0xf9 }, { "uml", 0xa8 }, { "uuml", 0xfc }, { "weierp", 0x2118 }, { "yacute", 0xfd },
	{ "yen", 0xa5 }, { "yuml", 0xff }, { "zwj", 0x200d }, { "zwnj", 0x200c },
};
const int html_entity_n = sizeof html_entities / sizeof *html_entities;
/* clang-format on */
