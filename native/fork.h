// Branches of a replayer (fork.cc), for the table of exports in writer.cc.
#ifndef RETRACE_FORK_H_
#define RETRACE_FORK_H_

#include <napi.h>

namespace retrace {

void DefineFork(Napi::Env env, Napi::Object exports);

}  // namespace retrace

#endif
