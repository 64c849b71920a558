// y = act(Σ a[part] + bias) + residual, pre = the value before act
// a [K, M, N] the f32 sums of K parts of a product, scale and bias [N], residual, y, pre [M, N]
#version 450
#include "matmul.glsl"

layout(local_size_x = 32, local_size_y = 4) in;

void main() {
    uint n = 4 * gl_GlobalInvocationID.x, m = gl_GlobalInvocationID.y;
    if (m >= M || n >= N) {
        return;
    }
    vec4 sum = vec4(0);
    for (uint part = 0; part < K; part++) { // in order, so that the sum is the same each time
        uint at = (part * M + m) * N + n;
        if (WIDE_Y) {
            sum += a_load4(at / 4);
        } else {
            [[unroll]] for (uint j = 0; j < 4; j++) {
                if (n + j < N) { sum[j] += a_load(at + j); }
            }
        }
    }
    finish4(m, n, sum);
}
