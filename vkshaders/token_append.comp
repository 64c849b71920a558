// Adds forced[b, pos+1] if not negative, else next[b], to each sequence that is not done
// tokens [B, L], pos, done, current, next [B], forced [B, L], limit [B]; the first four in place
#version 450
#include "grid.glsl"

layout(local_size_x = 128) in;
layout(push_constant) uniform Push { uint batch, len; int eos; };
layout(std430, set = 0, binding = 0) writeonly buffer Tokens { int tokens[]; };
layout(std430, set = 0, binding = 1) buffer Pos { int pos[]; };
layout(std430, set = 0, binding = 2) buffer Done { int done[]; };
layout(std430, set = 0, binding = 3) writeonly buffer Current { int current[]; };
layout(std430, set = 0, binding = 4) readonly buffer Next { int next[]; };
layout(std430, set = 0, binding = 5) readonly buffer Forced { int forced[]; };
layout(std430, set = 0, binding = 6) readonly buffer Limit { int limit[]; };

void main() {
    uint b = global_index();
    if (b >= batch || done[b] != 0) {
        return;
    }
    int place = pos[b] + 1;
    if (place < 0 || place >= int(len)) { // there is no room
        done[b] = 1;
        return;
    }
    uint at = b * len + uint(place);
    bool is_forced = forced[at] >= 0;
    int token = is_forced ? forced[at] : next[b];
    tokens[at] = token;
    pos[b] = place;
    current[b] = token;
    bool ended = eos >= 0 && token == eos && !is_forced;
    if (ended || place >= limit[b] || place == int(len) - 1) {
        done[b] = 1;
    }
}
