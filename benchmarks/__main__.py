import sys

from benchmarks.command import interruptible, main

interruptible()
sys.exit(main())
