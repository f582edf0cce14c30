/* rooms: base model rules render */
/* tests/data/gate: letters that must not pass, or not without a word. A file's name begins with the rule that it must
 * break; each rule has one. Files with a header block are templates. templates/: letters that pass without a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abv/gate.h"
#include "abv/render.h"

struct file {
	struct template *template; /* NULL: a plain letter */
	struct template_layout *layout;
	struct buf text;
	struct gate_input in;
};

static void file_open(struct file *f, const char *dir, const char *name)
{
	char path[512];
	struct problems p = { 0 };

	*f = (struct file){ 0 };
	snprintf(path, sizeof path, "%s/%s", dir, name);
	if (buf_read_file(&f->text, path, 1 << 20) < 0)
		fail_msg("cannot read %s", path);
	if (strncmp(buf_text(&f->text), "Subject:", 8) != 0) {
		f->in = (struct gate_input){
			.subject = "", .text = buf_text(&f->text), .text_len = f->text.len, .first_line = 1
		};
		return;
	}
	assert_int_equal(template_layout_load(dir, &f->layout, &p), 0);
	if (template_load(dir, name, f->layout, &f->template, &p) != 0)
		fail_msg("%s: %s", path, p.row[0].message);
	f->in = (struct gate_input){ .subject = template_subject(f->template),
				     .text = template_body(f->template),
				     .text_len = strlen(template_body(f->template)),
				     .kind = template_kind(f->template),
				     .is_template = true,
				     .first_line = template_body_line(f->template) };
	problems_free(&p);
}

static void file_close(struct file *f)
{
	template_free(&f->template);
	template_layout_free(&f->layout);
	buf_free(&f->text);
}

static const struct gate_finding *finding(const struct gate_result *r, const char *rule)
{
	for (int i = 0; i < r->finding_n; i++)
		if (strcmp(r->finding[i].rule, rule) == 0)
			return &r->finding[i];
	return NULL;
}

static int rule_of(const char *name)
{
	size_t n = strcspn(name, ".");

	for (int i = 0; gate_rule_at(i) != NULL; i++)
		if (strlen(gate_rule_at(i)->name) == n && strncmp(gate_rule_at(i)->name, name, n) == 0)
			return i;
	fail_msg("%s: the name is no rule's", name);
	return -1;
}

static void check_example(const char *name)
{
	const struct gate_rule *rule = gate_rule_at(rule_of(name));
	bool empties = strcmp(rule->name, "no-substance") == 0 || strcmp(rule->name, "filler-followup") == 0 ||
		       strcmp(rule->name, "image-only") == 0 || strcmp(rule->name, "low-value") == 0;
	bool of_model = strcmp(rule->name, "low-value") == 0 || strcmp(rule->name, "not-its-kind") == 0;
	struct gate_result r;
	struct file f;

	file_open(&f, TEST_DATA "/gate", name);
	gate_judge(&f.in, &r);
	const struct gate_finding *found = finding(&r, rule->name);

	if (found == NULL)
		fail_msg("%s: no such finding; judged %s", name, gate_verdict_name(r.verdict));
	assert_int_equal(found->severity, rule->severity);
	assert_int_equal(r.pass, rule->severity != SEVERITY_ERROR);
	/* of the rules only these say that a letter is empty; the others refuse it, and leave the verdict */
	if ((r.verdict == GATE_EMPTY) != empties && strcmp(name, "not-text.binary.md") != 0)
		fail_msg("%s: judged %s", name, gate_verdict_name(r.verdict));
	/* nobody can vouch for what a rule refuses; the judgement of the whole is another thing */
	f.in.vouched_by = "Dana Reyes, knows better";
	gate_judge(&f.in, &r);
	assert_int_equal(r.pass, rule->severity != SEVERITY_ERROR || of_model);
	assert_int_equal(r.vouched, of_model);
	file_close(&f);
}

static void test_examples(void **state)
{
	DIR *d = opendir(TEST_DATA "/gate");
	struct dirent *row;
	int seen[64] = { 0 };

	(void)state;
	assert_non_null(d);
	while ((row = readdir(d)) != NULL) {
		if (*row->d_name == '.')
			continue;
		seen[rule_of(row->d_name)]++;
		if (strncmp(row->d_name, "repeat-content.", 15) != 0)
			check_example(row->d_name);
	}
	closedir(d);
	for (int i = 0; gate_rule_at(i) != NULL; i++)
		if (seen[i] == 0)
			fail_msg("%s has no example", gate_rule_at(i)->name);
}

/* What two letters share, and what the same greeting and signature are not. */
static void test_repeat(void **state)
{
	static struct gate_shingles a, b;
	struct file f, g;

	(void)state;
	file_open(&f, TEST_DATA "/gate", "repeat-content.first.md");
	file_open(&g, TEST_DATA "/gate", "repeat-content.md");
	gate_shingles_read(&f.in, &a);
	gate_shingles_read(&g.in, &b);
	int share = gate_shingles_share(&b, &a);
	if (share < GATE_REPEAT_SAME || share == 100)
		fail_msg("one word differs: %d %%", share);
	assert_int_equal(gate_shingles_share(&a, &a), 100);
	file_close(&g);
	file_open(&g, TEST_DATA "/gate", "hidden-text.cyrillic.md");
	gate_shingles_read(&g.in, &b);
	share = gate_shingles_share(&a, &b);
	assert_true(share > 30 && share < GATE_REPEAT_MUCH); /* half of it */
	file_close(&g);
	/* a part of a letter gives nothing new behind the whole; the whole does behind the part */
	struct gate_input part = f.in;
	part.text_len = f.in.text_len / 2;
	gate_shingles_read(&part, &b);
	assert_true(gate_shingles_share(&b, &a) >= 97 && gate_shingles_share(&a, &b) < 60);
	file_close(&f);
}

static void test_around_is_no_content(void **state)
{
#define HEAD "Dear Ms Reyes,\n\n"
#define TAIL                                                                                                           \
	"\n\nKind regards,\nSam Ortiz\nHead of Partner Success at Example\nExample GmbH, Lindenstrasse 4\n"            \
	"You are receiving this because you attended our webinar on the eleventh of March in Berlin.\n"                \
	"Unsubscribe here, or update your preferences whenever you like.\n"
	static const char *const rows[] = {
		HEAD "Save the file as UTF-8 before the import, since the importer reads nothing else and stops at the "
		     "first umlaut it meets." TAIL,
		HEAD
		"The certificate of the shop expires on the third of December, and the job that renews it has failed "
		"for two weeks." TAIL,
		HEAD "ok" TAIL,
		HEAD "no" TAIL,
	};
	static struct gate_shingles s[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct gate_input in = { .subject = "", .text = rows[i], .text_len = strlen(rows[i]) };
		gate_shingles_read(&in, &s[i]);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(gate_shingles_share(&s[i], &s[k]), 0);
	}
	assert_true(s[0].n > 10);
}

static void test_samples(void **state)
{
	static const char dir[] = TEST_DATA "/../../templates";
	DIR *d = opendir(dir);
	struct dirent *row;
	int n = 0;

	(void)state;
	assert_non_null(d);
	while ((row = readdir(d)) != NULL) {
		struct gate_result r;
		struct file f;

		if (strstr(row->d_name, ".md") == NULL)
			continue;
		file_open(&f, dir, row->d_name);
		gate_judge(&f.in, &r);
		if (!r.pass || r.finding_n > 0)
			fail_msg("%s: %s", row->d_name, r.finding_n > 0 ? r.finding[0].message : "refused");
		file_close(&f);
		n++;
	}
	closedir(d);
	assert_true(n >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_repeat),
		cmocka_unit_test(test_around_is_no_content),
		cmocka_unit_test(test_samples),
	};
	return cmocka_run_group_tests_name("gate_examples", tests, NULL, NULL);
}
