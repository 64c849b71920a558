// One more token for each sequence (graph.TokenAppend). Constants: p[0] Batch,
// p[1] Len, p[2] EOS.
static void token_append(kb_machine *m, const kb_step *s) {
	int32_t *tokens = s->out[0].ptr, *pos = s->out[1].ptr, *done = s->out[2].ptr, *current = s->out[3].ptr;
	const int32_t *next = s->in[4].ptr, *forced = s->in[5].ptr, *limit = s->in[6].ptr;
	int64_t length = s->p[1], eos = s->p[2];
	for (int64_t b = 0; b < s->p[0]; b++) {
		if (done[b])
			continue;
		int64_t place = (int64_t)pos[b] + 1;
		if (place < 0 || place >= length) { // there is no room
			done[b] = 1;
			continue;
		}
		int32_t given = forced[b * length + place], token = given >= 0 ? given : next[b];
		tokens[b * length + place] = current[b] = token;
		pos[b] = (int32_t)place;
		if ((given < 0 && eos >= 0 && token == eos) || place >= limit[b] || place == length - 1)
			done[b] = 1;
	}
}
