"""Where things are. OFFRAMP_BUILD names another build folder than build/."""
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("OFFRAMP_BUILD", "build"))
OFFRAMP = os.path.join(BUILD, "offramp")
GENERATE = os.path.join(BUILD, "offramp_generate")
DATA = os.path.join(os.path.dirname(ROOT), "shared", "data")
