/* Providers of mail for everybody: two people there share no employer, so their domain is no account. */
#include "freemail_int.h"

#include <stdlib.h>
#include <string.h>

/* Sorted by strcmp. */
static const char *const providers[] = {
	"126.com",        "139.com",          "163.com",        "189.cn",         "abv.bg",
	"aim.com",        "alice.it",         "aliceadsl.fr",   "aliyun.com",     "aol.com",
	"aon.at",         "arcor.de",         "att.net",        "azet.sk",        "bbox.fr",
	"bellsouth.net",  "bigpond.com",      "bk.ru",          "bluewin.ch",     "blueyonder.co.uk",
	"bol.com.br",     "btinternet.com",   "centrum.cz",     "charter.net",    "chello.at",
	"citromail.hu",   "club-internet.fr", "comcast.net",    "cox.net",        "daum.net",
	"docomo.ne.jp",   "duck.com",         "earthlink.net",  "email.com",      "email.cz",
	"email.de",       "email.it",         "ezweb.ne.jp",    "fastmail.com",   "fastmail.fm",
	"fastwebnet.it",  "foxmail.com",      "free.fr",        "freemail.hu",    "freenet.de",
	"gazeta.pl",      "globo.com",        "gmail.com",      "gmx.biz",        "gmx.info",
	"gmx.net",        "gmx.org",          "googlemail.com", "hanmail.net",    "hetnet.nl",
	"hey.com",        "hispeed.ch",       "home.nl",        "hushmail.com",   "i.ua",
	"icloud.com",     "ig.com.br",        "inbox.com",      "inbox.lv",       "inbox.ru",
	"interia.pl",     "internet.ru",      "inwind.it",      "iol.it",         "juno.com",
	"kakao.com",      "kpnmail.nl",       "laposte.net",    "libero.it",      "list.ru",
	"mac.com",        "mail.com",         "mail.de",        "mail.ee",        "mail.ru",
	"mailbox.org",    "me.com",           "msn.com",        "myyahoo.com",    "nate.com",
	"naver.com",      "neuf.fr",          "ntlworld.com",   "numericable.fr", "o2.pl",
	"onet.pl",        "online.de",        "ono.com",        "optonline.net",  "optusnet.com.au",
	"orange.fr",      "otenet.gr",        "planet.nl",      "pm.me",          "post.com",
	"posteo.de",      "posteo.net",       "proton.me",      "protonmail.ch",  "protonmail.com",
	"proximus.be",    "qq.com",           "rambler.ru",     "rediffmail.com", "roadrunner.com",
	"rocketmail.com", "rogers.com",       "runbox.com",     "sapo.pt",        "sbcglobal.net",
	"seznam.cz",      "sfr.fr",           "shaw.ca",        "sina.cn",        "sina.com",
	"sky.com",        "skynet.be",        "softbank.ne.jp", "sohu.com",       "spray.se",
	"sympatico.ca",   "t-online.de",      "talktalk.net",   "telefonica.net", "telenet.be",
	"telia.com",      "terra.com.br",     "terra.es",       "tin.it",         "tiscali.it",
	"tuta.com",       "tuta.io",          "tutamail.com",   "tutanota.com",   "tutanota.de",
	"ukr.net",        "uol.com.br",       "usa.com",        "verizon.net",    "videotron.ca",
	"virgilio.it",    "virginmedia.com",  "vodafone.de",    "walla.co.il",    "walla.com",
	"wanadoo.fr",     "web.de",           "wp.pl",          "xs4all.nl",      "xtra.co.nz",
	"ya.ru",          "yeah.net",         "ymail.com",      "ziggo.nl",       "zohomail.com",
};

/* Brands that exist under many countries: yahoo.fr, hotmail.co.uk, gmx.at, yandex.com.tr. */
static const char *const brands[] = { "gmx", "hotmail", "live", "outlook", "windowslive", "yahoo", "yandex" };

/* Country domains sold to anyone: live.tv is a company, not Microsoft's mail in Tuvalu. */
static const char generic_countries[] = " ai am cc co fm gg io la ly me sh so to tv vc ws ";

static int by_text(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

/* "com", "fr", "co.uk": what a provider opens in a country. Not "agency", nor "acme.com" (that would be a host of
 * Acme's). */
static bool is_country(const char *suffix)
{
	static const char *const second[] = { "co.", "com.", "ne.", "net." };
	char padded[5] = { ' ', 0, 0, ' ', 0 };

	if (!strcmp(suffix, "com"))
		return true;
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++)
		if (!strncmp(suffix, second[i], strlen(second[i])))
			return strlen(suffix + strlen(second[i])) == 2;
	if (strlen(suffix) != 2)
		return false;
	memcpy(padded + 1, suffix, 2);
	return !strstr(generic_countries, padded);
}

bool freemail_has(const char *domain)
{
	const char *dot = strchr(domain, '.');

	if (bsearch(domain, providers, sizeof(providers) / sizeof(providers[0]), sizeof(providers[0]), by_text))
		return true;
	for (size_t i = 0; dot && i < sizeof(brands) / sizeof(brands[0]); i++)
		if (strlen(brands[i]) == (size_t)(dot - domain) && !strncmp(domain, brands[i], (size_t)(dot - domain)))
			return is_country(dot + 1);
	return false;
}
