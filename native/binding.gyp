{
  'target_defaults': {
    'cflags': ['-O2', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wno-unused-parameter', '-Wno-cast-function-type'],
    'xcode_settings': {'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES', 'MACOSX_DEPLOYMENT_TARGET': '11.0'},
  },
  'targets': [
    {
      # Node-API: one binary for every Node version. Loaded in production.
      'target_name': 'retrace_writer',
      'sources': ['writer.cc', 'trace_file.cc', 'fork.cc', 'forwarding.cc', 'overflow.cc'],
      'include_dirs': ["<!(node -p \"require('node-addon-api').include_dir\")"],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
    },
    {
      # node.h: one binary for each ABI. Loaded by replayers only.
      'target_name': 'retrace_driver',
      'sources': ['driver.cc'],
    },
  ],
  'conditions': [
    ['OS=="linux"', {
      'targets': [
        {
          # A program of its own, see forwarding.h: small, because a process that starts another one may wait for it to start.
          'target_name': 'retrace_forwarder',
          'type': 'executable',
          'sources': ['forwarder.cc'],
          'cflags_cc': ['-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics'],
          'ldflags': ['-Wl,--as-needed'],
        },
      ],
    }],
  ],
}
