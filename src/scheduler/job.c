#include <stdlib.h>

#include "abv/mem.h"
#include "scheduler_int.h"

struct job *job_new(struct scheduler *s)
{
	struct job *j = mem_alloc(sizeof *j);
	j->result.status = j->status;
	j->result.reply = j->reply;
	j->delivery.message = &j->message;
	TAILQ_INSERT_TAIL(&s->jobs, j, link);
	s->job_n++;
	return j;
}

void job_free(struct scheduler *s, struct job **jp)
{
	struct job *j = *jp;
	if (j == NULL)
		return;
	*jp = NULL;
	TAILQ_REMOVE(&s->jobs, j, link);
	s->job_n--;
	enrollment_row_free(&j->row);
	buf_free(&j->data);
	free(j->test);
	free(j->sequence);
	free(j->step);
	free(j->account);
	free(j);
}

bool job_is_letter(const struct job *j)
{
	return j->test == NULL && j->note_id == 0;
}

int job_in_flight(const struct scheduler *s)
{
	int n = 0;
	const struct job *j;
	TAILQ_FOREACH (j, &s->jobs, link)
		if (job_is_letter(j) && j->state != JOB_FINISHED && j->state != JOB_RECORDED)
			n++;
	return n;
}

int job_row(struct scheduler *s, struct job *j, bool *fresh, struct err *e)
{
	int64_t version = store_version(s->store);
	if (fresh != NULL)
		*fresh = j->row != NULL && j->version == version;
	if (j->row != NULL && j->version == version)
		return 1;
	enrollment_row_free(&j->row);
	j->version = version;
	return store_enrollment(s->store, j->enrollment_id, &j->row, e);
}
