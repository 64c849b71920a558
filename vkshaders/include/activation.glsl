// Pointwise functions and their derivatives. The numbers are those of
// graph.Activation; act is usually a specialisation constant.
#ifndef ACTIVATION_GLSL
#define ACTIVATION_GLSL

#define IDENTITY 0
#define GELU_TANH 1
#define GELU_ERF 2
#define RELU 3
#define SILU 4
#define TANH 5

// tanh_ does not overflow, which tanh of some drivers does.
float tanh_(float x) {
    float e = exp(-2.0 * min(abs(x), 15.0));
    return sign(x) * (1.0 - e) / (1.0 + e);
}

// erf_ is within 1.4e-7. Below 1 it is x·P(x²), above 1-t·exp(-x²)·Q(t) with
// t = 1/(1+x/2), both Chebyshev fits; at 4 it is 1 to the last bit.
float erf_(float x) {
    float a = min(abs(x), 4.0);
    float s = a * a;
    if (a < 1.0) {
        float p = 7.882496720412746e-05;
        p = p * s - 0.0008018855005502701;
        p = p * s + 0.005189312156289816;
        p = p * s - 0.02685432881116867;
        p = p * s + 0.11283597350120544;
        p = p * s - 0.3761262595653534;
        p = p * s + 1.1283791065216064;
        return x * p;
    }
    float t = 1.0 / (1.0 + 0.5 * a);
    float q = 0.05295038968324661;
    q = q * t - 0.09098473936319351;
    q = q * t - 0.10868845134973526;
    q = q * t + 0.209248885512352;
    q = q * t + 0.11062505841255188;
    q = q * t + 0.2655429244041443;
    q = q * t + 0.2792578637599945;
    q = q * t + 0.28227499127388;
    return sign(x) * (1.0 - t * exp(-s) * q);
}

float sigmoid(float x) {
    float e = exp(-abs(x));
    return (x >= 0.0 ? 1.0 : e) / (1.0 + e);
}

const float SQRT_2_OVER_PI = 0.7978845608028654;
const float SQRT_HALF = 0.7071067811865476;
const float INV_SQRT_2PI = 0.3989422804014327;

float activate(uint act, float x) {
    switch (act) {
    case GELU_TANH:
        return 0.5 * x * (1.0 + tanh_(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)));
    case GELU_ERF:
        return 0.5 * x * (1.0 + erf_(x * SQRT_HALF));
    case RELU:
        return x > 0.0 || isnan(x) ? x : 0.0;
    case SILU:
        return x * sigmoid(x);
    case TANH:
        return tanh_(x);
    }
    return x;
}

// activate_grad is the derivative at x.
float activate_grad(uint act, float x) {
    switch (act) {
    case GELU_TANH: {
        float t = tanh_(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x));
        return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * SQRT_2_OVER_PI * (1.0 + 0.134145 * x * x);
    }
    case GELU_ERF:
        return 0.5 * (1.0 + erf_(x * SQRT_HALF)) + x * INV_SQRT_2PI * exp(-0.5 * x * x);
    case RELU:
        return x > 0.0 ? 1.0 : 0.0;
    case SILU: {
        float s = sigmoid(x);
        return s * (1.0 + x * (1.0 - s));
    }
    case TANH: {
        float t = tanh_(x);
        return 1.0 - t * t;
    }
    }
    return 1.0;
}

vec4 activate4(uint act, vec4 x) {
    return vec4(activate(act, x.x), activate(act, x.y), activate(act, x.z), activate(act, x.w));
}

vec4 activate_grad4(uint act, vec4 x) {
    return vec4(activate_grad(act, x.x), activate_grad(act, x.y), activate_grad(act, x.z), activate_grad(act, x.w));
}
#endif
