package pickle

import (
	"strings"
	"sync"
)

// In a pickle below protocol 3, Python 3 reads and writes the names of modules and classes that Python 2 had (fix_imports).

// renaming maps the names of one Python to those of the other: the Text of single Globals, and whole modules.
type renaming struct{ names, modules map[string]string }

var (
	python2to3 = sync.OnceValue(func() renaming {
		r := newRenaming(false)
		r.add(r.names, mergedNames, false)
		r.add(r.modules, mergedModules, false)
		return r
	})
	python3to2 = sync.OnceValue(func() renaming { return newRenaming(true) })
)

func newRenaming(back bool) renaming {
	r := renaming{map[string]string{}, map[string]string{}}
	r.add(r.modules, renamedModules, back)
	r.add(r.names, renamedNames, back)
	for _, class := range strings.Fields(movedExceptions) {
		r.add(r.names, "exceptions:"+class+" builtins:"+class, back)
	}
	for _, class := range strings.Fields(movedProcessErrors) {
		r.add(r.names, "multiprocessing:"+class+" multiprocessing.context:"+class, back)
	}
	return r
}

func (r renaming) add(to map[string]string, pairs string, back bool) {
	words := strings.Fields(pairs)
	for i := 0; i+1 < len(words); i += 2 {
		from, into := strings.Replace(words[i], ":", "\n", 1), strings.Replace(words[i+1], ":", "\n", 1)
		if back {
			from, into = into, from
		}
		to[from] = into
	}
}

// apply returns the other Python's name for the Text of a Global.
func (r renaming) apply(text string) string {
	if renamed, ok := r.names[text]; ok {
		return renamed
	}
	module, name, _ := strings.Cut(text, "\n")
	if renamed, ok := r.modules[module]; ok {
		return renamed + "\n" + name
	}
	return text
}

func fromPython2(text string) string { return python2to3().apply(text) }

// toPython2 returns the name that Python 3 reads as text below protocol 3. It returns false if there is none: a site's own
// module with the name of a module of Python 2 has no name there.
func toPython2(text string) (string, bool) {
	if renamed := python3to2().apply(text); fromPython2(renamed) == text {
		return renamed, true
	}
	return text, fromPython2(text) == text
}

// These are the renamings of Python 3's module _compat_pickle: the name in Python 2, and the name in Python 3.

const renamedModules = `
	BaseHTTPServer http.server
	ConfigParser configparser
	Cookie http.cookies
	Dialog tkinter.dialog
	HTMLParser html.parser
	Queue queue
	ScrolledText tkinter.scrolledtext
	SimpleXMLRPCServer xmlrpc.server
	SocketServer socketserver
	Tix tkinter.tix
	Tkconstants tkinter.constants
	Tkdnd tkinter.dnd
	Tkinter tkinter
	__builtin__ builtins
	_abcoll collections.abc
	_winreg winreg
	anydbm dbm
	commands subprocess
	cookielib http.cookiejar
	copy_reg copyreg
	dbhash dbm.bsd
	dbm dbm.ndbm
	dumbdbm dbm.dumb
	dummy_thread _dummy_thread
	gdbm dbm.gnu
	htmlentitydefs html.entities
	httplib http.client
	markupbase _markupbase
	repr reprlib
	robotparser urllib.robotparser
	test.test_support test.support
	thread _thread
	tkColorChooser tkinter.colorchooser
	tkCommonDialog tkinter.commondialog
	tkFileDialog tkinter.filedialog
	tkFont tkinter.font
	tkMessageBox tkinter.messagebox
	tkSimpleDialog tkinter.simpledialog
	ttk tkinter.ttk
	urllib2 urllib.request
	urlparse urllib.parse
	xmlrpclib xmlrpc.client
`

// mergedModules are read and never written, since another module is written under the new name.
const mergedModules = `
	CGIHTTPServer http.server
	DocXMLRPCServer xmlrpc.server
	FileDialog tkinter.filedialog
	SimpleDialog tkinter.simpledialog
	SimpleHTTPServer http.server
	StringIO io
	UserDict collections
	UserList collections
	UserString collections
	_elementtree xml.etree.ElementTree
	cPickle pickle
	cStringIO io
	whichdb dbm
`

// Names that moved to another module than the rest of their module.
const renamedNames = `
	UserDict:IterableUserDict collections:UserDict
	UserList:UserList collections:UserList
	UserString:UserString collections:UserString
	__builtin__:intern sys:intern
	__builtin__:long builtins:int
	__builtin__:reduce functools:reduce
	__builtin__:unichr builtins:chr
	__builtin__:unicode builtins:str
	__builtin__:xrange builtins:range
	_multiprocessing:Connection multiprocessing.connection:Connection
	_socket:fromfd socket:fromfd
	itertools:ifilter builtins:filter
	itertools:ifilterfalse itertools:filterfalse
	itertools:imap builtins:map
	itertools:izip builtins:zip
	itertools:izip_longest itertools:zip_longest
	multiprocessing.forking:Popen multiprocessing.popen_fork:Popen
	multiprocessing.process:Process multiprocessing.context:Process
	urllib:ContentTooShortError urllib.error:ContentTooShortError
	urllib:getproxies urllib.request:getproxies
	urllib:pathname2url urllib.request:pathname2url
	urllib:quote urllib.parse:quote
	urllib:quote_plus urllib.parse:quote_plus
	urllib:unquote urllib.parse:unquote
	urllib:unquote_plus urllib.parse:unquote_plus
	urllib:url2pathname urllib.request:url2pathname
	urllib:urlcleanup urllib.request:urlcleanup
	urllib:urlencode urllib.parse:urlencode
	urllib:urlopen urllib.request:urlopen
	urllib:urlretrieve urllib.request:urlretrieve
	urllib2:HTTPError urllib.error:HTTPError
	urllib2:URLError urllib.error:URLError
	whichdb:whichdb dbm:whichdb
`

const mergedNames = `
	UserDict:UserDict collections:UserDict
	__builtin__:basestring builtins:str
	exceptions:StandardError builtins:Exception
	socket:_socketobject socket:SocketType
`

// Classes of Python 2's module exceptions that became builtins.
const movedExceptions = `
	ArithmeticError AssertionError AttributeError BaseException BufferError BytesWarning DeprecationWarning
	EOFError EnvironmentError Exception FloatingPointError FutureWarning GeneratorExit IOError ImportError
	ImportWarning IndentationError IndexError KeyError KeyboardInterrupt LookupError MemoryError NameError
	NotImplementedError OSError OverflowError PendingDeprecationWarning ReferenceError RuntimeError RuntimeWarning
	StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TypeError UnboundLocalError
	UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError
	Warning ZeroDivisionError
`

// Classes of multiprocessing that are in multiprocessing.context now.
const movedProcessErrors = `
	AuthenticationError BufferTooShort ProcessError TimeoutError
`
