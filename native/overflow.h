// Where V8's stack overflowed, for the recorder. See overflow.cc.
#pragma once
#include <napi.h>

namespace retrace {

void DefineOverflow(Napi::Env env, Napi::Object exports);

}  // namespace retrace
